import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere } from '../town/axe';
import { becomes, conversations, dialog, log, message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

const item = (page: Page, name: string) => conversations(page).getByRole('link', { name });
const bell = (page: Page) => page.getByRole('button', { name: 'Notifications of this conversation' });

interface Seen {
  unread: number;
  settings: { level: string | null; muted_until: string | null; unread_from: number | null };
}

test('a conversation is muted and has a level of its own, on every device', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const [room, other] = [await ann.makeRoom('Garden'), await ann.makeRoom('Shed')];
  for (const one of [room, other]) await bob.join(one);
  const seen = () => ann.do<Seen>('GET', `/v1/conversations/${room.id}`);
  const desk = await town().visit(ann, { path: `/c/${room.id}` });
  const phone = await town().visit(ann, { path: '/', viewport: { width: 390, height: 800 } });
  await bell(desk.page).click();
  await desk.page.getByRole('menuitemradio', { name: 'Only of mentions and keywords' }).click();
  await becomes(async () => (await seen()).settings.level, 'mentions');
  await bell(desk.page).focus();
  await desk.page.keyboard.press('Enter');
  await sees(desk.page.getByRole('menuitemradio', { name: 'Only of mentions and keywords', checked: true }));
  await expectAccessible(desk.page, 'the menu of the bell');
  await desk.page.keyboard.press('End');
  await desk.page.keyboard.press('Enter');
  await becomes(async () => (await seen()).settings.muted_until, '9999-12-31T23:59:59.000Z');
  await sees(item(phone.page, 'Garden , muted').or(item(phone.page, 'Garden, muted')));
  // What comes is a dot, and no number.
  await desk.page.goto(`${town().server.url}/c/${other.id}`);
  await bob.say(room, 'anybody here?');
  await sees(item(phone.page, 'Garden').getByText('1 unread message'));
  await seesNot(item(phone.page, 'Garden').getByText('1', { exact: true }));
  await expectAccessibleEverywhere(phone.page, 'a muted conversation in the list');
  await bob.say(other, 'anybody there?');
  await desk.page.goto(`${town().server.url}/c/${room.id}`);
  await bell(desk.page).click();
  await desk.page.getByRole('menuitem', { name: 'Unmute' }).click();
  await becomes(async () => (await seen()).settings.muted_until, null);
  await message(desk.page, 'anybody here?').hover();
  await desk.page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await desk.page.getByRole('menuitem', { name: 'Why was I notified, or not?' }).click();
  await sees(desk.page.getByText('only mentions and keywords notify you here', { exact: false }));
});

test('what is marked as unread stays so until it is opened again, and all is read at once', async () => {
  const [cat, dan] = [await town().person('cat'), await town().person('dan')];
  const [room, other] = [await cat.makeRoom('Kitchen'), await cat.makeRoom('Attic')];
  await dan.join(room);
  for (const text of ['one', 'two', 'three']) await dan.say(room, text);
  const seen = () => cat.do<Seen>('GET', `/v1/conversations/${room.id}`);
  const { page } = await town().visit(cat, { path: `/c/${room.id}` });
  await becomes(async () => (await seen()).unread, 0);
  await message(page, 'two').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Mark as unread from here' }).click();
  await sees(item(page, 'Kitchen').getByText('2 unread messages'));
  await becomes(async () => (await seen()).unread, 2);
  await page.waitForTimeout(1_500);
  expect((await seen()).unread, 'what one looks at is not read again by itself').toBe(2);
  await item(page, 'Attic').click();
  await sees(page.getByRole('heading', { name: 'Attic' }));
  await item(page, 'Kitchen').click();
  await sees(log(page).getByText('three'));
  await becomes(async () => (await seen()).unread, 0);
  expect((await seen()).settings.unread_from).toBe(null);
  // By the keyboard, and then everything at once.
  await message(page, 'one').focus();
  await page.keyboard.press('u');
  await becomes(async () => (await seen()).unread, 3);
  await page.goto(`${town().server.url}/c/${other.id}`);
  await sees(item(page, 'Kitchen').getByText('3 unread messages'));
  await page.keyboard.press('Shift+Escape');
  await dialog(page).getByRole('button', { name: 'Mark all as read' }).click();
  await becomes(async () => (await seen()).unread, 0);
  await seesNot(page.getByRole('button', { name: 'Mark all as read' }));
});

test('quiet hours and keywords are set once for all devices', async () => {
  const eve = await town().person('eve');
  const settings = () =>
    eve.do<{ rooms: string; keywords: string[]; quiet_hours: { days: number[]; from: string } | null }>(
      'GET',
      '/v1/users/me/notifications',
    );
  const { page } = await town().visit(eve, { path: '/settings/notifications' });
  await page
    .getByRole('group', { name: 'In rooms' })
    .getByRole('radio', { name: 'Mentions' })
    .check({ force: true });
  await becomes(async () => (await settings()).rooms, 'mentions');
  await page.getByLabel('Keywords').fill('deploy, on call,,deploy');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await becomes(async () => (await settings()).keywords.join('|'), 'deploy|on call');
  await page.getByRole('switch', { name: 'Notify me of nothing at certain hours' }).click();
  await becomes(async () => (await settings()).quiet_hours?.days.length, 7);
  await page.getByLabel('From').fill('21:15');
  await page.getByRole('checkbox', { name: 'Sun' }).uncheck();
  await page.getByRole('button', { name: 'Save' }).last().click();
  await becomes(async () => (await settings()).quiet_hours?.from, '21:15');
  expect((await settings()).quiet_hours?.days).toEqual([1, 2, 3, 4, 5, 6]);
  await expectAccessibleEverywhere(page, 'the settings of notifications');
  await page.getByRole('switch', { name: 'Notify me of nothing at certain hours' }).click();
  await becomes(async () => (await settings()).quiet_hours, null);
});
