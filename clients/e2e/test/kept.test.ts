// Text that could not be sent stays with its writer until they take it or throw it away.
import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessibleEverywhere } from '../town/axe';
import { becomes, composer, conversations, dialog, log, message, say, sees, seesNot } from '../town/look';
import { call, PASSWORD, type Person } from '../town/person';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const near = await freePort();
const town = useTown({ 'server.allowed_origins': `http://127.0.0.1:${near}` });

town.settle(() => town().administrator('root'));

const LONG = `START ${'long text '.repeat(40)}END`;
const written = (page: Page) => composer(page).inputValue();
/** Whether a text stands among those that the tabs of this device share, as this tab sees them. */
const copied = (page: Page, text: string) =>
  page.evaluate((text) => Object.values(localStorage).some((kept) => String(kept).includes(text)), text);
const unsent = (page: Page) => page.getByRole('button', { name: /^Not sent \(/ });

async function group(
  names: readonly [string, string],
  name: string,
): Promise<[Person, Person, Conversation]> {
  const [one, other] = [await town().person(names[0]), await town().person(names[1])];
  const made = await other.makeGroup(name, [one]);
  await other.say(made, 'Soup or salad?');
  return [one, other, made];
}

/** Logs in on the page that is shown. */
async function logIn(page: Page, { username }: Person): Promise<void> {
  await page.getByLabel('Username or email address').fill(username);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
}

test('a text for a group that one was put out of is kept whole, until one throws it away', async () => {
  const [ann, bob, room] = await group(['ann', 'bob'], 'Kitchen');
  const cable = await town().cable(near);
  const visit = await town().visit(ann, { path: `/c/${room.id}`, through: cable.url });
  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource/);
  const { page } = visit;
  await sees(message(page, 'Soup or salad?'));
  cable.cut();
  await sees(page.getByText(/^No connection\./));
  await say(page, LONG);
  await sees(message(page, 'START'));
  await bob.remove(room, ann);
  cable.mend();
  await unsent(page).waitFor({ timeout: 40_000 });
  await page.reload();
  await unsent(page).click();
  await sees(dialog(page).getByText(LONG));
  await sees(dialog(page).getByRole('heading', { name: 'For Kitchen' }));
  await expectAccessibleEverywhere(page, 'what was not sent');
  await dialog(page).getByRole('button', { name: 'Discard' }).click();
  await seesNot(unsent(page));
  await page.reload();
  await sees(page.getByRole('heading', { name: 'Welcome, ann' }));
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('START');
});

test('half a text for a group that one was put out of is kept as well, on every device', async () => {
  const [cat, dan, room] = await group(['cat', 'dan'], 'Cellar');
  const { page } = await town().visit(cat, `/c/${room.id}`);
  const phone = await town().visit(cat, { viewport: { width: 390, height: 844 } });
  await sees(message(page, 'Soup or salad?'));
  await composer(page).fill('Salad, I thi');
  await becomes(async () => (await cat.do<{ drafts: unknown[] }>('GET', '/v1/drafts')).drafts.length, 1);
  await composer(page).fill('Salad, I thin');
  await dan.remove(room, cat);
  for (const one of [page, phone.page]) {
    await sees(unsent(one));
    await unsent(one).click();
    await sees(dialog(one).getByText(/^Salad, I thin?$/));
  }
  await dialog(page).getByRole('button', { name: 'Discard' }).click();
  await seesNot(unsent(page));
  await seesNot(unsent(phone.page));
});

test('half a text outlives the session, whoever ends it, and is shown to nobody else on the device', async () => {
  const [eve, fay, room] = await group(['eve', 'fay'], 'Studio');
  const { page } = await town().visit(eve, `/c/${room.id}`);
  await sees(message(page, 'Soup or salad?'));
  await composer(page).fill('Salad, no doubt');
  // From another device: the same session is ended.
  await eve.do('DELETE', '/v1/sessions/current');
  await sees(page.getByRole('button', { name: 'Log in' }));
  await logIn(page, fay);
  await sees(message(page, 'Soup or salad?'));
  expect(await written(page)).toBe('');
  expect(await unsent(page).count()).toBe(0);
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await logIn(page, eve);
  await conversations(page)
    .getByRole('link', { name: /Studio/ })
    .click();
  await becomes(() => written(page), 'Salad, no doubt');
});

test('what waits to be sent when one logs out is sent when one is back', async () => {
  const [gil, hal, room] = await group(['gil', 'hal'], 'Workshop');
  const cable = await town().cable(near);
  const visit = await town().visit(gil, { path: `/c/${room.id}`, through: cable.url });
  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource/);
  const { page } = visit;
  await say(page, 'To be deleted');
  await message(page, 'To be deleted').hover();
  await message(page, 'To be deleted').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  // Questions are loaded when the first is asked.
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await sees(page.getByText('This message was deleted.'));
  cable.cut();
  await sees(page.getByText(/^No connection\./));
  await say(page, 'Written without a line');
  await composer(page).fill('And half a text');
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await sees(dialog(page).getByText(/^2 texts have not been sent\. They stay on this device/));
  await dialog(page).getByRole('button', { name: 'Log out' }).click();
  await sees(page.getByText('This part could not be loaded.'));
  cable.mend();
  await sees(page.getByRole('button', { name: 'Reload the page' }));
  await page.reload();
  await logIn(page, gil);
  await conversations(page)
    .getByRole('link', { name: /Workshop/ })
    .click();
  await sees(message(page, 'Written without a line'));
  await becomes(() => written(page), 'And half a text');
  await becomes(
    async () => (await hal.history(room)).map((one) => one.text).at(-1),
    'Written without a line',
  );
});

test('a quote without a text yet is a draft: it stays through another room, a reload, and on another device', async () => {
  const [ida, , room] = await group(['ida', 'jon'], 'Desk');
  await ida.makeRoom('Shelf');
  const { page } = await town().visit(ida, `/c/${room.id}`);
  await message(page, 'Soup or salad?').hover();
  await message(page, 'Soup or salad?').getByRole('button', { name: 'Reply', exact: true }).click();
  await sees(page.getByText('Replying to jon'));
  await conversations(page).getByRole('link', { name: /Shelf/ }).click();
  await sees(page.getByRole('heading', { level: 1, name: 'Shelf' }));
  await conversations(page).getByRole('link', { name: /Desk/ }).click();
  await sees(page.getByText('Replying to jon'));
  const phone = await town().visit(ida, { viewport: { width: 390, height: 844 }, path: `/c/${room.id}` });
  await sees(phone.page.getByText('Replying to jon'));
  await page.reload();
  await sees(page.getByText('Replying to jon'));
  await say(page, 'Salad.');
  await sees(message(page, 'Salad.').getByRole('button', { name: 'In reply to jon: Soup or salad?' }));
  await seesNot(phone.page.getByText('Replying to jon'));
});

test('half a reply and half an edit are there again after a look at another room', async () => {
  const [kim, , room] = await group(['kim', 'leo'], 'Quay');
  await kim.makeRoom('Pier');
  const { page } = await town().visit(kim, `/c/${room.id}`);
  await message(page, 'Soup or salad?').hover();
  await message(page, 'Soup or salad?').getByRole('button', { name: 'Reply', exact: true }).click();
  await composer(page).pressSequentially('half a reply');
  const away = async () => {
    await conversations(page).getByRole('link', { name: /Pier/ }).click();
    await sees(page.getByRole('heading', { level: 1, name: 'Pier' }));
    await conversations(page).getByRole('link', { name: /Quay/ }).click();
  };
  await away();
  await sees(page.getByText('Replying to leo'));
  expect(await written(page)).toBe('half a reply');
  await composer(page).press('Enter');
  await sees(message(page, 'half a reply').getByRole('button', { name: /^In reply to leo/ }));
  await seesNot(page.getByText('Sending…'));
  await composer(page).press('ArrowUp');
  await composer(page).fill('half an edit');
  await away();
  await sees(page.getByText('Editing your message'));
  expect(await written(page)).toBe('half an edit');
});

test('sent in one tab, a draft is gone in the other, and pressing Enter in both sends it once', async () => {
  const [mia, , room] = await group(['mia', 'ned'], 'Yard');
  const visit = await town().visit(mia, `/c/${room.id}`);
  visit.expects(/a page was opened/);
  const first = visit.page;
  await sees(message(first, 'Soup or salad?'));
  await composer(first).fill('said once');
  const second = await first.context().newPage();
  await second.goto(first.url());
  await becomes(() => written(second), 'said once');
  await composer(first).press('Enter');
  await becomes(() => written(second), '');
  await sees(message(second, 'said once'));

  // The server has this one: both tabs read it from there.
  await composer(first).fill('said twice?');
  await becomes(async () => (await mia.do<{ drafts: unknown[] }>('GET', '/v1/drafts')).drafts.length, 1);
  await becomes(() => written(second), 'said twice?');
  // From now on no tab has a copy of its own, nor believes that the other has one.
  for (const tab of [first, second]) await becomes(() => copied(tab, 'said twice?'), false);
  await Promise.all([first, second].map((tab) => composer(tab).press('Enter')));
  for (const tab of [first, second]) await sees(log(tab).getByText('said twice?'));
  for (const tab of [first, second]) await seesNot(tab.getByText('Sending…'));
  await first.waitForTimeout(1_000);
  const said = (await mia.history(room)).map(({ text }) => text);
  expect(said.filter((text) => text?.startsWith('said'))).toEqual(['said once', 'said twice?']);
});

test('the change of a message that is deleted meanwhile is kept', async () => {
  const [ola, , room] = await group(['ola', 'pia'], 'Loft');
  const said = await ola.say(room, 'Soop');
  const { page } = await town().visit(ola, `/c/${room.id}`);
  await sees(message(page, 'Soop'));
  await composer(page).press('ArrowUp');
  await composer(page).fill('Soup, of course');
  await becomes(async () => (await ola.do<{ drafts: unknown[] }>('GET', '/v1/drafts')).drafts.length, 1);
  await page.goto(`${town().server.url}/`);
  await call(
    town().server.url,
    ola.tokens.access_token,
    'DELETE',
    `/v1/conversations/${room.id}/messages/${said.seq}`,
  );
  await conversations(page).getByRole('link', { name: /Loft/ }).click();
  await sees(page.getByText('This message was deleted.'));
  await unsent(page).click();
  await sees(dialog(page).getByText('Soup, of course'));
});
