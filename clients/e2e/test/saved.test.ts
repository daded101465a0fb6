import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { expectAccessibleEverywhere } from '../town/axe';
import { message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

/** Chooses something in the menu of a message. */
async function choose(page: Page, text: string, action: string): Promise<void> {
  await message(page, text).hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

const list = (page: Page) => page.getByRole('main').getByRole('listitem');

test('a message is saved in its menu, found in one’s own menu, and taken off on another device', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const room = await bob.makeRoom('Garden');
  await ann.join(room);
  await bob.say(room, 'water the lime tree');
  await bob.say(room, '给柠檬树浇水');
  await bob.sayAll(
    room,
    Array.from({ length: 80 }, (_, at) => `chatter ${at}`),
  );
  const desk = await town().visit(ann, { path: `/c/${room.id}/2` });
  await choose(desk.page, 'water the lime tree', 'Save');
  await sees(desk.page.getByText('Saved. Find it in your menu', { exact: false }));
  const phone = await town().visit(ann, { path: '/saved', viewport: { width: 390, height: 800 } });
  await sees(phone.page.getByRole('heading', { name: 'Saved messages' }));
  await sees(list(phone.page).getByText('water the lime tree'));
  // What is saved elsewhere comes while one looks.
  await choose(desk.page, '给柠檬树浇水', 'Save');
  await sees(list(phone.page).first().getByText('给柠檬树浇水'));
  await desk.page.getByRole('button', { name: 'Your account' }).click();
  await desk.page.getByRole('menuitem', { name: 'Saved messages' }).click();
  await sees(list(desk.page).getByText('bob in Garden'));
  await phone.page.getByRole('button', { name: 'Remove from saved messages: 给柠檬树浇水' }).click();
  for (const { page } of [desk, phone]) await seesNot(list(page).getByText('给柠檬树浇水'));
  await expectAccessibleEverywhere(desk.page, 'saved messages');
  // It leads to its place, and its menu knows that it is saved.
  await desk.page.getByRole('button', { name: 'Show: water the lime tree' }).click();
  await choose(desk.page, 'water the lime tree', 'Remove from saved messages');
  await sees(desk.page.getByText('Removed from your saved messages.'));
  await sees(phone.page.getByText('You have saved no messages.', { exact: false }));
});

test('what was deleted, or may not be seen any more, is no longer shown, and can be taken off', async () => {
  const [eve, fay] = [await town().person('eve'), await town().person('fay')];
  const room = await eve.makeRoom('Attic');
  await fay.join(room);
  const said = await eve.say(room, 'a secret of the attic');
  await fay.do('PUT', `/v1/conversations/${room.id}/messages/${said.seq}/saved`);
  await eve.remove(room, fay);
  const { page } = await town().visit(fay, { path: '/saved' });
  await sees(page.getByText('This message was deleted, or you no longer see it.'));
  await seesNot(page.getByText('a secret of the attic'));
  await page.getByRole('button', { name: 'Remove from saved messages' }).click();
  await sees(page.getByText('You have saved no messages.', { exact: false }));
});
