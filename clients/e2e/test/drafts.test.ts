// One person with two devices: what is being written is alike on both.
import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { becomes, composer, conversations, message, say, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { freePort } from '../town/server';
import { useTown } from '../town/town';

const near = await freePort();
const town = useTown({ 'server.allowed_origins': `http://127.0.0.1:${near}` });

const PHONE = { viewport: { width: 390, height: 844 } };

/** Somebody in a room in which another one has asked something. */
async function asked(names: readonly [string, string], name: string): Promise<[Person, Conversation]> {
  const [one, other] = [await town().person(names[0]), await town().person(names[1])];
  const room = await one.makeRoom(name);
  await other.join(room);
  await other.say(room, 'Soup or salad?');
  return [one, room];
}

const written = (page: Page) => composer(page).inputValue();
const preview = (page: Page, room: string) =>
  conversations(page).getByRole('link', { name: new RegExp(room) });
const offered = (page: Page) => page.getByText(/^Another draft from another device:/);

/** The drafts that the server has of somebody. */
async function kept(person: Person): Promise<string[]> {
  const { drafts } = await person.do<{ drafts: { text: string }[] }>('GET', '/v1/drafts');
  return drafts.map(({ text }) => text);
}

/** Chooses what to do with a message. */
async function choose(page: Page, text: string, item: 'Edit'): Promise<void> {
  await message(page, text).hover();
  await message(page, text).getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('a text with its quote shows up on the other device, and is gone everywhere once it is sent', async () => {
  const [ann, room] = await asked(['ann', 'bob'], 'Kitchen');
  const shelf = await ann.makeRoom('Shelf');
  const phone = await town().visit(ann, { ...PHONE, path: `/c/${room.id}` });
  const desk = await town().visit(ann, '/');
  await message(phone.page, 'Soup or salad?').hover();
  await message(phone.page, 'Soup or salad?').getByRole('button', { name: 'Reply', exact: true }).click();
  await composer(phone.page).pressSequentially('Salad, I thi');
  await sees(preview(desk.page, 'Kitchen').getByText('Draft: Salad, I thi'));

  await desk.goto(`/c/${room.id}`);
  await becomes(() => written(desk.page), 'Salad, I thi');
  await sees(desk.page.getByText('Replying to bob'));
  // Nobody writes on the phone any more: it follows.
  await composer(desk.page).fill('Salad, I think');
  await becomes(() => written(phone.page), 'Salad, I think');
  expect(await offered(phone.page).count()).toBe(0);

  // Leaving saves at once.
  await composer(desk.page).fill('Salad, I think. Or');
  await conversations(desk.page).getByRole('link', { name: /Shelf/ }).click();
  await becomes(() => written(phone.page), 'Salad, I think. Or', 2_500);
  expect(new URL(desk.page.url()).pathname).toBe(`/c/${shelf.id}`);

  // A device that was not there meanwhile.
  const third = await town().visit(ann, `/c/${room.id}`);
  await becomes(() => written(third.page), 'Salad, I think. Or');
  await sees(third.page.getByText('Replying to bob'));
  await say(third.page, 'Salad.');
  await sees(message(phone.page, 'Salad.').getByRole('button', { name: 'In reply to bob: Soup or salad?' }));
  await becomes(() => written(phone.page), '');
  await seesNot(phone.page.getByText('Replying to bob'));
  await seesNot(desk.page.getByText(/^Draft: /));
  await becomes(() => kept(ann), []);
  await third.page.reload();
  await sees(message(third.page, 'Salad.'));
  expect(await written(third.page)).toBe('');
});

test('a device without a line has what it missed when it is back, and gives what it wrote', async () => {
  const [cat, room] = await asked(['cat', 'dan'], 'Cellar');
  const attic = await cat.makeRoom('Attic');
  const cable = await town().cable(near);
  const away = await town().visit(cat, { path: `/c/${room.id}`, through: cable.url });
  away.expects(/WebSocket connection to .* failed/, /Failed to load resource/);
  const home = await town().visit(cat, `/c/${room.id}`);
  for (const { page } of [away, home]) await sees(message(page, 'Soup or salad?'));
  cable.cut();
  await composer(home.page).fill('Written at home');
  await becomes(() => kept(cat), ['Written at home']);
  cable.mend();
  await becomes(() => written(away.page), 'Written at home');

  cable.cut();
  await sees(away.page.getByText(/^No connection\./));
  await conversations(away.page).getByRole('link', { name: /Attic/ }).click();
  await sees(away.page.getByRole('heading', { level: 1, name: 'Attic' }));
  await composer(away.page).fill('Written on the way');
  await away.page.waitForTimeout(3_500);
  cable.mend();
  await sees(preview(home.page, 'Attic').getByText('Draft: Written on the way'));
  await home.goto(`/c/${attic.id}`);
  await becomes(() => written(home.page), 'Written on the way');
});

test('an edit that was begun on one device goes on on another', async () => {
  const [eve, room] = await asked(['eve', 'fay'], 'Studio');
  await eve.say(room, 'Soop');
  const phone = await town().visit(eve, { ...PHONE, path: `/c/${room.id}` });
  await choose(phone.page, 'Soop', 'Edit');
  await becomes(() => written(phone.page), 'Soop');
  await composer(phone.page).fill('Soup, ple');
  await becomes(() => kept(eve), ['Soup, ple']);

  const desk = await town().visit(eve, `/c/${room.id}`);
  await sees(desk.page.getByText('Editing your message'));
  await becomes(() => written(desk.page), 'Soup, ple');
  await say(desk.page, 'Soup, please');
  await sees(message(phone.page, 'Soup, please').getByText('(edited)'));
  await seesNot(phone.page.getByText('Editing your message'));
  await becomes(() => written(phone.page), '');
  await becomes(() => kept(eve), []);

  // Another text that is being written comes first; the edit waits until it is chosen.
  await choose(phone.page, 'Soup, please', 'Edit');
  await composer(phone.page).fill('Soup, please!');
  await becomes(() => kept(eve), ['Soup, please!']);
  await composer(desk.page).fill('And bread');
  await becomes(async () => (await kept(eve)).toSorted(), ['And bread', 'Soup, please!']);
  await desk.page.reload();
  await becomes(() => written(desk.page), 'And bread');
  expect(await desk.page.getByText('Editing your message').count()).toBe(0);
  await choose(desk.page, 'Soup, please', 'Edit');
  await becomes(() => written(desk.page), 'Soup, please!');
  await composer(desk.page).press('Escape');
  await becomes(() => written(desk.page), 'And bread');
  await becomes(() => kept(eve), ['And bread']);
});

test('two who write at the same time keep their texts, and the other one is offered', async () => {
  const [gil, room] = await asked(['gil', 'hal'], 'Workshop');
  const [phone, desk] = [
    await town().visit(gil, { ...PHONE, path: `/c/${room.id}` }),
    await town().visit(gil, `/c/${room.id}`),
  ];
  for (const { page } of [phone, desk]) await sees(message(page, 'Soup or salad?'));
  await composer(desk.page).fill('From the desk');
  await phone.page.waitForTimeout(500);
  await composer(phone.page).fill('From the phone');
  await sees(offered(phone.page).getByText('From the desk'));
  expect(await written(phone.page)).toBe('From the phone');
  await becomes(
    () => phone.page.locator('[data-announcer]').innerText(),
    'Another draft from another device: From the desk',
  );
  await expectAccessible(phone.page, 'another draft');
  // The later one wins, where nobody goes on writing.
  await becomes(() => written(desk.page), 'From the phone');
  await becomes(() => kept(gil), ['From the phone']);

  // With the keyboard alone.
  await phone.page.getByRole('button', { name: 'Use it' }).focus();
  await phone.page.keyboard.press('Enter');
  await becomes(() => written(phone.page), 'From the desk');
  await sees(phone.page.getByText('What you wrote here: From the phone'));
  await phone.page.getByRole('button', { name: 'Dismiss' }).click();
  await seesNot(phone.page.getByRole('button', { name: 'Use it' }));
  await becomes(() => written(desk.page), 'From the desk');
});

test('logging out leaves no draft on the device', async () => {
  const [ida, room] = await asked(['ida', 'jon'], 'Desk');
  const { page } = await town().visit(ida, `/c/${room.id}`);
  await sees(message(page, 'Soup or salad?'));
  const stored = () => page.evaluate((id) => localStorage.getItem(`palabre.drafts.${id}`), ida.id);
  await composer(page).fill('Not yet');
  expect(await stored()).toContain('Not yet');
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await sees(page.getByRole('textbox', { name: 'Password' }));
  expect(await stored()).toBeNull();
});
