// Being reached: mentions that are chips, what is for one in the list, the activity, and a question before many.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { becomes, composer, conversations, dialog, log, message, say, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

const activity = (page: Page) => page.getByRole('main').getByRole('listitem');
const badge = (page: Page, id: number) =>
  conversations(page).locator(`[data-conversation="${id}"] .count.me span[aria-hidden]`);

test('what is for one stands out, is counted by itself, and is in the activity until it is read', async () => {
  const [ada, ben] = [await town().person('ada'), await town().person('ben')];
  const room = await ada.makeRoom('Garden');
  await ben.join(room);
  await ben.update({ display_name: 'Benjamin' });
  const question = await ben.say(room, 'who waters?');
  const { page } = await town().visit(ben, '/');
  await sees(conversations(page).getByText('Garden'));
  await ada.say(room, 'not for ben');
  await becomes(() => badge(page, room.id).count(), 0);
  await ada.say(room, '@ben, please');
  await becomes(() => badge(page, room.id).innerText(), '1');
  await ada.react(room, question.seq, '👍');
  await ada.say(room, 'you do', question.seq);
  await becomes(() => badge(page, room.id).innerText(), '2');

  await conversations(page)
    .getByRole('link', { name: /Activity/ })
    .click();
  await becomes(() => activity(page).count(), 3);
  await sees(activity(page).first().getByText('ada replied to you in Garden'));
  await sees(activity(page).nth(1).getByText('ada reacted to your message in Garden'));
  await expectAccessible(page, 'activity');
  // One by itself, by the keyboard.
  await activity(page).nth(1).getByRole('button', { name: 'Mark as read: who waters?' }).focus();
  await page.keyboard.press('Enter');
  await becomes(() => activity(page).getByRole('button').count(), 2);
  // It leads to the message, which says the name that its person has now.
  await activity(page).last().getByRole('link').click();
  await sees(message(page, 'please').locator('.mention.me', { hasText: '@Benjamin' }));
  await seesNot(badge(page, room.id));
  await page.goBack();
  await becomes(() => activity(page).getByRole('button').count(), 0);
});

test('an edit that calls somebody in a thread is in their activity, and leads to the reply', async () => {
  const [dot, eli] = [await town().person('dot'), await town().person('eli')];
  const room = await dot.makeRoom('Greenhouse');
  await eli.join(room);
  const root = await dot.say(room, 'who has the key?');
  const { page } = await town().visit(dot, `/c/${room.id}/t/${root.seq}`);
  const other = await town().visit(eli, '/activity');
  await sees(other.page.getByText('Nothing yet.', { exact: false }));
  const answer = page.getByRole('textbox', { name: 'Reply in the thread' });
  await answer.fill('somebody has it');
  await answer.press('Enter');
  const replies = page.getByRole('log', { name: 'Replies' });
  await sees(replies.getByText('somebody has it'));
  // A reply in a thread that eli has nothing to do with is nothing to tell of; the edit is.
  expect(await eli.do('GET', '/v1/inbox')).toMatchObject({ items: [] });
  await answer.press('ArrowUp');
  await becomes(() => answer.inputValue(), 'somebody has it');
  await answer.fill('@eli has it');
  await answer.press('Enter');
  await sees(replies.locator('.mention', { hasText: '@eli' }));

  await becomes(() => activity(other.page).count(), 1);
  await sees(activity(other.page).getByText('dot mentioned you in Greenhouse'));
  await expectAccessible(other.page, 'a mention by an edit');
  await activity(other.page).getByRole('link').click();
  await sees(other.page.getByRole('log', { name: 'Replies' }).locator('.mention.me', { hasText: '@eli' }));
  expect(new URL(other.page.url()).pathname).toMatch(new RegExp(`^/c/${room.id}/t/${root.seq}/`));
  // It is read there.
  await other.page.goBack();
  await becomes(() => activity(other.page).getByRole('button').count(), 0);
});

test('all is marked as read at once, also on the other device', async () => {
  const [eve, fay] = [await town().person('eve'), await town().person('fay')];
  const room = await eve.makeRoom('Attic');
  await fay.join(room);
  const desk = await town().visit(fay, '/activity');
  const phone = await town().visit(fay, { path: '/activity', viewport: { width: 390, height: 800 } });
  await sees(desk.page.getByText('Nothing yet.', { exact: false }));
  for (const text of ['@fay one', '@fay two', '@room three']) await eve.say(room, text);
  for (const { page } of [desk, phone]) await becomes(() => activity(page).count(), 3);
  await desk.page.getByRole('main').getByRole('button', { name: 'Mark all as read' }).click();
  for (const { page } of [desk, phone]) {
    await becomes(() => activity(page).getByRole('button').count(), 0);
    await seesNot(page.getByRole('main').getByRole('button', { name: 'Mark all as read' }));
  }
});

test('a text that reaches many is sent only after a question, and groups and everybody are offered', async () => {
  const gus = await town().administrator('gus');
  const room = await gus.makeRoom('Crowd');
  const people = await Promise.all(Array.from({ length: 21 }, (_, at) => town().person(`guest${at}`)));
  for (const one of people) await one.join(room);
  await gus.do('POST', '/v1/user-groups', {
    name: 'gardeners',
    people: people.slice(0, 2).map(({ id }) => id),
  });
  const { page } = await town().visit(gus, `/c/${room.id}`);
  await sees(composer(page));
  await composer(page).pressSequentially('@gar');
  await sees(page.getByRole('option', { name: /@gardeners/ }));
  await page.keyboard.press('Enter');
  await becomes(() => composer(page).inputValue(), '@gardeners ');
  await say(page, '@gardeners it rains');
  await sees(message(page, 'it rains').locator('.mention', { hasText: '@gardeners' }));

  await composer(page).fill('');
  await composer(page).pressSequentially('@roo');
  await sees(page.getByRole('option', { name: /Everybody in this conversation/ }));
  await expectAccessible(page, 'everybody is offered');
  await say(page, '@room come in');
  await sees(dialog(page).getByText('This message reaches 21 people.'));
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await becomes(() => composer(page).inputValue(), '@room come in');
  await composer(page).press('Enter');
  await dialog(page).getByRole('button', { name: 'Send to all of them' }).click();
  await sees(message(page, 'come in').locator('.mention', { hasText: '@room' }));
  const [guest] = people;
  if (!guest) throw new Error('Nobody came.');
  const seen = await guest.do<{ unread_for_me: number }>('GET', `/v1/conversations/${room.id}`);
  expect(seen.unread_for_me).toBe(2);
  await becomes(() => log(page).getByText('come in').count(), 1);
});
