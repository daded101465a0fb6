// People are told of each message that came once, and in the right place.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { becomes, composer, conversations, log, message, say, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
const unread = async (person: Person, id: number) =>
  (await person.do<{ unread: number }>('GET', `/v1/conversations/${id}`)).unread;

/** A window that can be put into the background: browsers without a screen keep every page in front. */
function withBackground(): void {
  const { hasFocus } = Document.prototype;
  Document.prototype.hasFocus = function (this: Document) {
    return !(window as unknown as { behind?: boolean }).behind && hasFocus.call(this);
  };
}
const putBehind = (page: Page, behind: boolean) =>
  page.evaluate((behind) => {
    Object.assign(window, { behind });
    dispatchEvent(new Event(behind ? 'blur' : 'focus'));
  }, behind);

test('“Today” is “Yesterday” after midnight, in the messages and in the list', async () => {
  const ann = await town().person('ann');
  const room = await ann.makeRoom('Clock');
  await ann.say(room, 'Said today');
  const { page } = await town().visit(ann, {
    path: `/c/${room.id}`,
    arrange: async (context) => {
      await context.clock.install({ time: new Date() });
      await context.clock.resume();
    },
  });
  await sees(log(page).getByRole('heading', { name: 'Today' }));
  const time = conversations(page).locator('time').first();
  await expect.poll(() => time.innerText()).toMatch(/^\d\d:\d\d$/);
  await page.clock.fastForward('24:00:00');
  await sees(log(page).getByRole('heading', { name: 'Yesterday' }));
  expect(await log(page).getByRole('heading', { name: 'Today' }).count()).toBe(0);
  await becomes(async () => /^\d\d:\d\d$/.test(await time.innerText()), false);
});

test('a group without a name is called after its members before it is opened', async () => {
  const bob = await town().person('bob', { display_name: 'Bob the Builder' });
  const [cat, dan] = [await town().person('cat'), await town().person('dan', { display_name: 'Dan' })];
  await bob.do('POST', '/v1/conversations', { kind: 'group', members: [cat.id, dan.id] });
  const { page } = await town().visit(cat);
  await sees(conversations(page).getByText('Bob the Builder, Dan'));
  await page.keyboard.press('Control+k');
  await page.keyboard.type('builder');
  await sees(page.getByRole('option', { name: 'Bob the Builder, Dan' }));
});

test('a new display name reaches the pages that are open', async () => {
  const [eve, fay] = [await town().person('eve'), await town().person('fay')];
  const room = await eve.makeRoom('Names');
  await fay.join(room);
  await eve.say(room, 'Who am I?');
  const { page } = await town().visit(fay, `/c/${room.id}`);
  await sees(message(page, 'Who am I?').getByText('eve', { exact: true }));
  await eve.update({ display_name: 'Evelyn' });
  await sees(message(page, 'Who am I?').getByText('Evelyn'));
  await sees(conversations(page).getByText('Evelyn: Who am I?'));
});

test('a window in the background marks nothing as read, and shows where the new messages begin', async () => {
  const [gil, hal] = [await town().person('gil'), await town().person('hal')];
  const room = await gil.makeRoom('Behind');
  await hal.join(room);
  let last = 0;
  for (let at = 0; at < 30; at += 1) last = (await gil.say(room, `Before ${at}`)).seq;
  await hal.read(room, last);
  const { page } = await town().visit(hal, { path: `/c/${room.id}`, before: withBackground });
  await sees(message(page, 'Before 29'));
  await becomes(() => unread(hal, room.id), 0);
  expect(await log(page).getByText('New messages').count()).toBe(0);

  await putBehind(page, true);
  for (let at = 0; at < 40; at += 1) await gil.say(room, `Meanwhile ${at}`);
  await sees(log(page).getByText('Meanwhile 39'));
  await page.waitForTimeout(700);
  expect(await unread(hal, room.id)).toBe(40);
  await putBehind(page, false);
  await sees(log(page).getByText('New messages'));
  // The messages on the screen are read now; the rest is below, and a button says so.
  await becomes(async () => (await unread(hal, room.id)) < 40, true);
  await page.waitForTimeout(500);
  expect(await unread(hal, room.id)).toBeGreaterThan(10);
  await page.getByRole('button', { name: /new messages$/ }).click();
  await becomes(() => unread(hal, room.id), 0);
  await sees(log(page).getByText('New messages'));
});

test('who is at the end stays there when rows grow, and what is below the fold is not read', async () => {
  const [ida, jon] = [await town().person('ida'), await town().person('jon')];
  const room = await ida.makeRoom('Fold');
  await jon.join(room);
  for (let at = 0; at < 40; at += 1) await ida.say(room, `Line ${at}`);
  const { page } = await town().visit(jon, {
    path: `/c/${room.id}`,
    viewport: { width: 390, height: 700 },
  });
  const below = () => log(page).evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight);
  await page.getByRole('button', { name: /Jump to latest|new messages/ }).click();
  await expect.poll(below).toBeLessThan(3);
  // A long name wraps on a phone: every first row grows.
  await ida.update({ display_name: `Ida ${'with a long name '.repeat(6)}`.trim() });
  await sees(log(page).getByText(/with a long name/));
  await expect.poll(below).toBeLessThan(3);
  await becomes(() => unread(jon, room.id), 0);

  await log(page).evaluate((one) => (one.scrollTop -= 600));
  await sees(page.getByRole('button', { name: 'Jump to latest' }));
  await ida.say(room, 'Below the fold');
  await sees(page.getByRole('button', { name: '1 new message' }));
  expect(await unread(jon, room.id)).toBe(1);
  await say(page, 'Here I am');
  await becomes(() => unread(jon, room.id), 0);
  await sees(composer(page));
  await seesNot(page.getByRole('button', { name: /new message/ }));
});
