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
  await dialog(page).getByRole('combobox').fill('chatter 79');
  await sees(dialog(page).getByRole('button', { name: /chatter 79/ }));
  await dialog(page).getByRole('combobox').fill('chatter has:nothing');
  await sees(dialog(page).getByText(/has: may be link, file, image or reaction/));
});

test('what one types is completed by the keyboard, and filters are clicked', async () => {
  const [cleo, dora] = [await town().person('cleo'), await town().person('dora')];
  const room = await cleo.makeRoom('Tool shed');
  await dora.join(room);
  await cleo.say(room, 'the lime tree is dry');
  await dora.say(room, 'a lime, a lime for the lime tree');
  const { page } = await town().visit(cleo, { path: `/c/${room.id}` });
  await sees(page.getByRole('navigation', { name: 'Conversations' }));
  await page.keyboard.press('Control+k');
  await dialog(page).getByRole('combobox').fill('lime');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  const field = dialog(page).getByRole('combobox', { name: 'Search messages' });
  await sees(field);
  const results = dialog(page).getByRole('button', { name: /lime tree/ });
  await expect.poll(async () => (await field.press('Enter'), await results.count())).toBe(2);
  await expect.poll(() => results.first().textContent()).toContain('a lime, a lime');
  // Operators, then people, by the keyboard alone.
  await field.pressSequentially(' fr');
  await sees(dialog(page).getByRole('option', { name: /from:/ }));
  await field.press('ArrowDown');
  expect(await field.getAttribute('aria-activedescendant')).toBeTruthy();
  await field.press('Enter');
  await field.pressSequentially('cl');
  await sees(dialog(page).getByRole('option', { name: /from:cleo/ }));
  await field.press('ArrowDown');
  await field.press('Tab');
  await expect.poll(() => field.inputValue()).toBe('lime from:cleo ');
  await expect.poll(() => results.count()).toBe(1);
  // Escape closes the list before the dialog.
  await field.pressSequentially('i');
  await sees(dialog(page).getByRole('option', { name: /in:/ }));
  await field.press('Escape');
  expect(await dialog(page).getByRole('option').count()).toBe(0);
  await field.press('Backspace');
  // A filter is taken off and put on by a click.
  await dialog(page).getByRole('button', { name: 'Remove the filter from:cleo' }).click();
  await expect.poll(() => results.count()).toBe(2);
  await dialog(page).getByRole('button', { name: 'In…' }).click();
  await field.pressSequentially('to');
  await dialog(page)
    .getByRole('option', { name: /Tool shed/ })
    .click();
  await expect.poll(() => field.inputValue()).toBe('lime in:"Tool shed" ');
  await expect.poll(() => results.count()).toBe(2);
  // The most relevant first.
  await dialog(page).getByRole('button', { name: 'Best first' }).click();
  expect(await dialog(page).getByRole('button', { name: 'Best first' }).getAttribute('aria-pressed')).toBe(
    'true',
  );
  await expect.poll(async () => await results.first().textContent()).toContain('a lime, a lime');
});

test('people and conversations of that name are found in the same field', async () => {
  const [emil, fanny] = [await town().person('emil'), await town().person('fanny')];
  await fanny.makeRoom('Fanfare');
  const { page } = await town().visit(emil, { path: '/' });
  await sees(page.getByRole('navigation', { name: 'Conversations' }));
  await page.keyboard.press('Control+k');
  await dialog(page).getByRole('combobox').fill('fanny');
  await sees(dialog(page).getByRole('option', { name: 'fanny' }));
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await sees(dialog(page).getByRole('combobox', { name: 'Search messages' }));
  await dialog(page)
    .getByRole('list', { name: 'People and conversations' })
    .getByRole('button', { name: 'fanny' })
    .click();
  await expect.poll(() => page.url()).toMatch(/\/c\/\d+/);
});

test('a file is found by its name, and by the filter for files', async () => {
  const greta = await town().person('greta');
  const room = await greta.makeRoom('Meadow');
  const { page } = await town().visit(greta, `/c/${room.id}`);
  await page
    .locator('input[type=file]')
    .setInputFiles([
      { name: 'plan of the meadow.txt', mimeType: 'text/plain', buffer: Buffer.from('water it') },
    ]);
  await sees(page.getByRole('list', { name: 'Attached files' }).getByText('plan of the meadow.txt'));
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await sees(log(page).getByRole('link', { name: /plan of the meadow\.txt/ }));
  await page.keyboard.press('Control+f');
  const field = dialog(page).getByRole('combobox');
  await field.fill('meadow plan');
  const found = dialog(page).getByRole('button', { name: /plan of the meadow\.txt/ });
  await expect.poll(async () => (await field.press('Enter'), await found.count())).toBe(1);
  await field.fill('');
  await dialog(page).getByRole('button', { name: 'Has a file' }).click();
  await expect.poll(() => field.inputValue()).toBe('has:file ');
  await expect.poll(() => found.count()).toBe(1);
  await field.fill('meadow has:image');
  await field.press('Enter');
  await sees(dialog(page).getByText('No results.'));
});
