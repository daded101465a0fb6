import { expect, test } from 'vitest';
import { dialog, log, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('what was said long ago is found by two words, and one comes back to the results', async () => {
  const ann = await town().person('ann');
  const room = await ann.makeRoom('Garden');
  await ann.say(room, 'Élodie will water the lime tree');
  await ann.sayAll(
    room,
    Array.from({ length: 80 }, (_, at) => `chatter ${at}`),
  );
  const { page } = await town().visit(ann, { path: '/' });
  await sees(page.getByRole('navigation', { name: 'Conversations' }));
  await page.keyboard.press('Control+k');
  await dialog(page).getByRole('combobox').fill('elodie lime');
  await sees(dialog(page).getByRole('option', { name: 'Search messages for “elodie lime”' }));
  await page.keyboard.press('Enter');
  const found = dialog(page).getByRole('button', { name: /Élodie will water the lime tree/ });
  // The index follows within a moment.
  await expect
    .poll(async () => {
      await page.keyboard.press('Enter');
      return await found.count();
    })
    .toBe(1);
  expect(await found.locator('mark').allTextContents()).toEqual(['Élodie', 'lime']);
  await found.click();
  await sees(log(page).getByText('Élodie will water the lime tree'));
  expect(page.url()).toContain(`/c/${room.id}/`);
  // In the conversation, by its own key.
  await page.keyboard.press('Control+f');
  await sees(dialog(page).getByLabel('Search in Garden'));
  await dialog(page).getByRole('searchbox').fill('chatter 79');
  await sees(dialog(page).getByRole('button', { name: /chatter 79/ }));
  await dialog(page).getByRole('searchbox').fill('chatter has:nothing');
  await sees(dialog(page).getByText(/has: may be link or reaction/));
});
