// Threads: beside the room, on a phone in its place, and in the list of those that one follows.
import type { Conversation, MessageSent } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere } from '../town/axe';
import { becomes, composer, conversations, log, message, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

/** On a phone it is the main part of the page. */
const panel = (page: Page) => {
  const named = { name: /^Thread in / };
  return page.getByRole('complementary', named).or(page.getByRole('main', named));
};
const replies = (page: Page) => panel(page).getByRole('log', { name: 'Replies' });
const answer = (page: Page) => panel(page).getByRole('textbox', { name: 'Reply in the thread' });

async function reply(person: Person, room: Conversation, thread: number, text: string): Promise<MessageSent> {
  return person.do('POST', `/v1/conversations/${room.id}/messages`, { text, thread });
}

/** Ann has asked something in a room in which bob is. */
async function asked(names: readonly [string, string], name: string) {
  const [ann, bob] = [await town().person(names[0]), await town().person(names[1])];
  const room = await ann.makeRoom(name);
  await bob.join(room);
  const root = await ann.say(room, 'Who waters the roses?');
  return { ann, bob, room, root };
}

test('a thread is opened beside the room, answered there, and shown under its message', async () => {
  const { ann, bob, room, root } = await asked(['ann', 'bob'], 'Garden');
  const { page } = await town().visit(bob, { path: `/c/${room.id}` });
  const other = await town().visit(ann, { path: `/c/${room.id}` });
  await message(page, 'Who waters the roses?').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'Reply in thread' }).click();
  await sees(replies(page).getByText('Who waters the roses?'));
  expect(new URL(page.url()).pathname).toBe(`/c/${room.id}/t/${root.seq}`);
  await becomes(() => answer(page).evaluate((box) => box === document.activeElement), true);
  await answer(page).fill('I do');
  await answer(page).press('Enter');
  await sees(replies(page).getByText('I do'));
  // It is no message of the room, and the root shows it.
  await sees(log(other.page).getByRole('button', { name: /1 reply/ }));
  await seesNot(log(other.page).getByText('I do', { exact: true }));
  await log(other.page)
    .getByRole('button', { name: /1 reply/ })
    .click();
  await sees(replies(other.page).getByText('I do'));
  await panel(other.page).getByRole('checkbox', { name: 'Also send to Garden' }).check();
  await answer(other.page).fill('Thank you');
  await answer(other.page).press('Enter');
  await sees(log(page).getByText('Thank you'));
  await sees(replies(page).getByText('Thank you'));
  await sees(log(page).getByRole('button', { name: /2 replies/ }));
  await expectAccessible(page, 'a thread beside its room');
  // Taking part follows it, until one decides otherwise.
  await panel(page).getByRole('button', { name: 'Stop following' }).click();
  await sees(panel(page).getByRole('button', { name: 'Follow thread' }));
  await page.keyboard.press('Escape');
  await seesNot(panel(page));
  expect(new URL(page.url()).pathname).toBe(`/c/${room.id}`);
});

test('the keyboard opens a thread and comes back to its message', async () => {
  const { bob, room } = await asked(['cid', 'dan'], 'Kitchen');
  const { page } = await town().visit(bob, { path: `/c/${room.id}` });
  await sees(message(page, 'Who waters the roses?'));
  await log(page).focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('t');
  await sees(answer(page));
  await becomes(() => answer(page).evaluate((box) => box === document.activeElement), true);
  await answer(page).press('Escape');
  await seesNot(panel(page));
  await becomes(
    () => message(page, 'Who waters the roses?').evaluate((row) => row === document.activeElement),
    true,
  );
});

test('on a phone a thread takes the place of the room, and the back button leaves it', async () => {
  const { ann, bob, room, root } = await asked(['eva', 'fay'], 'Terrace');
  const said = await reply(bob, room, root.seq, 'The red ones, too');
  const { page } = await town().visit(ann, { path: `/c/${room.id}`, ...PHONE });
  await log(page)
    .getByRole('button', { name: /1 reply/ })
    .click();
  await sees(replies(page).getByText('The red ones, too'));
  await seesNot(composer(page));
  await sees(page.getByRole('main', { name: /^Thread in / }));
  await expectAccessible(page, 'a thread on a phone');
  await page.goBack();
  await seesNot(panel(page));
  await sees(composer(page));
  // A link to a reply opens its thread there.
  await page.goto(`${town().server.url}/c/${room.id}/t/${root.seq}/${said.seq}`);
  await sees(replies(page).getByText('The red ones, too'));
});

test('what is new in threads that one follows is in the list, until it is read', async () => {
  const { ann, bob, room, root } = await asked(['gus', 'hal'], 'Balcony');
  const { page } = await town().visit(ann, { path: '/' });
  await reply(bob, room, root.seq, 'I have watered them');
  const link = conversations(page).getByRole('link', { name: /Threads/ });
  await sees(link.getByText('1 thread with new replies'));
  await link.click();
  const line = page.getByRole('main').getByRole('link', { name: /Who waters the roses\?/ });
  await sees(line.getByText('1 unread reply'));
  await expectAccessibleEverywhere(page, 'the threads that one follows');
  await line.click();
  await sees(replies(page).getByText('I have watered them'));
  await seesNot(link.getByText('1 thread with new replies'));
  await becomes(
    async () => (await ann.do<{ threads: { unread: number }[] }>('GET', '/v1/threads')).threads[0]?.unread,
    0,
  );
});

test('a thread has a level of its own, and one that is quiet calls for nobody', async () => {
  const { ann, bob, room, root } = await asked(['ina', 'jon'], 'Orchard');
  await reply(bob, room, root.seq, 'I do');
  const { page } = await town().visit(ann, { path: `/c/${room.id}/t/${root.seq}` });
  const bell = panel(page).getByRole('button', { name: 'Notifications of this thread' });
  await bell.focus();
  await page.keyboard.press('Enter');
  await sees(page.getByRole('menuitemradio', { name: 'As in the conversation', checked: true }));
  await expectAccessible(page, 'the menu of a thread');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const followed = async () =>
    (await ann.do<{ threads: { level: string | null; unread: number }[] }>('GET', '/v1/threads')).threads[0];
  await becomes(async () => (await followed())?.level, 'nothing');
  // That she has read the first is said before the page is left.
  await becomes(async () => (await followed())?.unread, 0);
  await page.goto(`${town().server.url}/threads`);
  await reply(bob, room, root.seq, 'Every evening');
  const line = page.getByRole('main').getByRole('link', { name: /Who waters the roses\?/ });
  await sees(line.getByText('1 unread reply'));
  await seesNot(conversations(page).getByText('1 thread with new replies'));
  await expectAccessibleEverywhere(page, 'a quiet thread in the list');
});

test('who types in a thread is seen in the thread, and not in the room', async () => {
  const { ann, bob, room, root } = await asked(['kim', 'leo'], 'Greenhouse');
  const here = await town().visit(ann, { path: `/c/${room.id}/t/${root.seq}` });
  const other = await town().visit(bob, { path: `/c/${room.id}/t/${root.seq}` });
  await sees(replies(other.page).getByText('Who waters the roses?'));
  await answer(other.page).pressSequentially('I');
  await sees(panel(here.page).getByText('leo is typing…'));
  await seesNot(here.page.getByRole('main').getByText('leo is typing…'));
  await answer(other.page).fill('I do');
  await answer(other.page).press('Enter');
  await sees(replies(here.page).getByText('I do'));
  await seesNot(panel(here.page).getByText('leo is typing…'));
});

test('new replies in threads that one follows are in the activity, and lead there', async () => {
  const { ann, bob, room, root } = await asked(['mia', 'ned'], 'Pergola');
  await reply(ann, room, root.seq, 'Nobody?');
  const { page } = await town().visit(ann, '/activity');
  await sees(page.getByText('Nothing yet.', { exact: false }));
  await reply(bob, room, root.seq, 'I do');
  const item = page.getByRole('main').getByRole('listitem');
  await sees(item.getByText('ned replied in a thread in Pergola'));
  await expectAccessible(page, 'a thread in the activity');
  await item.getByRole('link').click();
  await sees(replies(page).getByText('I do'));
  await page.goBack();
  await becomes(() => item.getByRole('button').count(), 0);
});
