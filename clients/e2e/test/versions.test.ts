// Earlier texts of edited messages: kept where the room wants it, and read from the message.
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere } from '../town/axe';
import { becomes, dialog, message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

const edited = (page: Page, text: string) => message(page, text).getByRole('button', { name: 'edited' });

test('a room keeps earlier texts once somebody says so, and everybody is told', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const path = `/v1/conversations/${room.id}`;
  const said = await bob.say(room, 'We meet on Monday');
  await bob.do('PATCH', `${path}/messages/${said.seq}`, { text: 'We meet on Tuesday' });
  const { page } = await town().visit(ann, { path: `/c/${room.id}`, kept: { 'palabre.details': 'open' } });
  const other = await town().visit(bob, { path: `/c/${room.id}`, kept: { 'palabre.details': 'open' } });
  await sees(message(page, 'We meet on Tuesday').getByText('(edited)'));
  await seesNot(edited(page, 'We meet on Tuesday'));
  await page.getByRole('button', { name: 'Name, topic and picture' }).click();
  await dialog(page).getByRole('checkbox', { name: 'Keep earlier texts of edited messages' }).check();
  await expectAccessible(page, 'the settings of a room');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await sees(other.page.getByText('Earlier texts of edited messages are kept here.'));

  await bob.do('PATCH', `${path}/messages/${said.seq}`, { text: 'We meet on Friday' });
  // By the keyboard: the row, and the word in it.
  await edited(page, 'We meet on Friday').focus();
  await page.keyboard.press('Enter');
  await sees(dialog(page).getByRole('deletion').filter({ hasText: 'Tuesday' }));
  await sees(dialog(page).getByRole('insertion').filter({ hasText: 'Friday' }));
  await expectAccessibleEverywhere(page, 'the earlier texts of a message');
  // What comes meanwhile is there at once, and what is deleted is gone at once.
  await bob.do('PATCH', `${path}/messages/${said.seq}`, { text: 'We meet on Sunday' });
  await becomes(() => dialog(page).getByRole('listitem').count(), 3);
  await bob.do('DELETE', `${path}/messages/${said.seq}`);
  await seesNot(dialog(page));
  await seesNot(page.getByText('Tuesday'));
});
