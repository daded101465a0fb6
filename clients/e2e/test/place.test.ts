// The place on the screen: what one reads stays where it is.
import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { becomes, conversations, log, message, sees } from '../town/look';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
let reader: Person;
let writer: Person;
let room: Conversation;
let other: Conversation;

town.settle(async () => {
  reader = await town().person('reader', { display_name: 'Reader' });
  writer = await town().person('writer');
  room = await writer.makeRoom('Long hall');
  other = await writer.makeRoom('Other');
  for (const one of [room, other]) await reader.join(one);
  for (let at = 0; at < 120; at += 1)
    await writer.say(room, `message ${at} ${'lorem ipsum dolor '.repeat(2 + (at % 6))}`);
  await writer.say(other, 'hello');
  await reader.read(room, 200);
});

/** The message at the top of the screen, and where its lower edge is. */
const top = (page: Page) =>
  log(page).evaluate((element) => {
    const edge = element.getBoundingClientRect().top;
    const rows = [...element.querySelectorAll<HTMLElement>('[data-seq]')];
    const row = rows.find((one) => one.getBoundingClientRect().bottom > edge + 1);
    return { seq: Number(row?.dataset['seq']), bottom: (row?.getBoundingClientRect().bottom ?? 0) - edge };
  });

async function middle(page: Page): Promise<void> {
  await sees(log(page).getByRole('article'));
  await page.waitForTimeout(500);
  await log(page).evaluate((element) => (element.scrollTop = element.scrollHeight * 0.5));
  await page.waitForTimeout(700);
}

test('the message at the top stays there when the details open, the window or the letters change', async () => {
  const { page } = await town().visit(reader, {
    path: `/c/${room.id}`,
    viewport: { width: 1200, height: 800 },
  });
  await middle(page);
  const before = await top(page);
  const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['details open', () => page.getByRole('button', { name: 'Details' }).click()],
    ['details closed', () => page.getByRole('button', { name: 'Hide details' }).first().click()],
    ['narrow', () => page.setViewportSize({ width: 700, height: 800 })],
    ['low', () => page.setViewportSize({ width: 700, height: 500 })],
    ['wide', () => page.setViewportSize({ width: 1200, height: 800 })],
    ['large letters', () => page.evaluate(() => document.documentElement.classList.add('large'))],
    ['long names', () => writer.update({ display_name: `Writer ${'of long names '.repeat(9)}`.trim() })],
  ];
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('html.large { font-size: 22px }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  });
  for (const [what, change] of changes) {
    await change();
    await page.waitForTimeout(600);
    const now = await top(page);
    expect(now.seq, what).toBe(before.seq);
    expect(Math.abs(now.bottom - before.bottom), what).toBeLessThan(3);
  }
});

test('who comes back to a conversation comes back to the same message, or to the first unread', async () => {
  const { page } = await town().visit(reader, {
    path: `/c/${room.id}`,
    viewport: { width: 1200, height: 800 },
  });
  await middle(page);
  await log(page).evaluate((element) => (element.scrollTop -= 1_500));
  await page.waitForTimeout(700);
  const before = await top(page);
  const go = (name: RegExp) => conversations(page).getByRole('link', { name }).click();
  await go(/^Other/);
  await sees(message(page, 'hello'));
  await go(/^Long hall/);
  await becomes(async () => (await top(page)).seq, before.seq);
  expect(Math.abs((await top(page)).bottom - before.bottom)).toBeLessThan(3);

  // The other one was left at its end: there the first unread message is the place.
  for (let at = 0; at < 40; at += 1) await writer.say(other, `Unread ${at}`);
  await go(/^Other/);
  await sees(log(page).getByText('New messages'));
  await becomes(
    () =>
      message(page, /Unread 0\b/)
        .first()
        .evaluate((row) => {
          const frame = row.closest('[role=log]')?.getBoundingClientRect();
          return frame !== undefined && row.getBoundingClientRect().top - frame.top < 120;
        }),
    true,
  );
});
