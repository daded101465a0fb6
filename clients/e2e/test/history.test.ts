import type { Conversation } from '@palabre/sdk';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { becomes, composer, log, message, sees, seesNot } from '../town/look';
import { paceByClock } from '../town/pace';
import type { Person } from '../town/person';
import { useTown } from '../town/town';

const town = useTown();
const MESSAGES = 10_000;
const MOST_ROWS = 300;

let reader: Person;
let writer: Person;
let room: Conversation;

town.settle(async () => {
  reader = await town().person('reader');
  writer = await town().person('writer');
  room = await writer.makeRoom('Long hall');
  await reader.join(room);
  const words = 'so much has been said here that nobody remembers how it began or who was first'.split(' ');
  const began = Date.now();
  await writer.sayAll(
    room,
    Array.from(
      { length: MESSAGES },
      (_, at) => `${at}: ${words.slice(0, 1 + (at % words.length)).join(' ')}`,
    ),
  );
  console.info(`${MESSAGES} messages said in ${Date.now() - began} ms`);
  await reader.read(room, MESSAGES + 2);
});

/** Navigations that are measured; the one in the middle counts. */
const TIMES = 5;
const FIRST_PAINT_MS = 1_000;
/** A slow machine takes this many times as long. */
const SLOWER = 4;

test('on a slow machine the first messages are painted within a second of a reload', async () => {
  const visit = await town().visit(reader, {
    path: `/c/${room.id}`,
    before: () => {
      const look = new MutationObserver(() => {
        if (!document.querySelector('[role=log] [data-key]')) return;
        look.disconnect();
        // After the frame in which it is drawn.
        requestAnimationFrame(() => setTimeout(() => Object.assign(window, { painted: performance.now() })));
      });
      look.observe(document, { childList: true, subtree: true });
    },
  });
  const { page, context } = visit;
  await sees(log(page).getByRole('article'));
  const browser = await context.newCDPSession(page);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const pace = await paceByClock(visit, SLOWER);
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.reload();
    const painted = await page.waitForFunction(() => (window as unknown as { painted?: number }).painted);
    times.push(Math.round((await painted.jsonValue()) ?? Infinity));
    await page.waitForTimeout(500);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(TIMES / 2)] ?? Infinity;
  console.info(
    `first paint of ${MESSAGES} messages, CPU at a fourth: ${times.join(', ')} ms; median ${median} ms`,
    pace,
  );
  // Other work of the machine only adds: the page's own time is the least of them.
  expect(Math.min(...times) / pace).toBeLessThan(FIRST_PAINT_MS);
  expect(await rows(page)).toBeLessThanOrEqual(MOST_ROWS);
});

const rows = (page: Page) => log(page).locator('[data-key]').count();
const firstSeq = (page: Page) =>
  log(page).evaluate((element) => Number(element.querySelector<HTMLElement>('[data-seq]')?.dataset['seq']));
const lastSeq = (page: Page) =>
  log(page).evaluate((element) =>
    Number([...element.querySelectorAll<HTMLElement>('[data-seq]')].at(-1)?.dataset['seq']),
  );

/** The row in the middle of the screen, in every frame. */
async function watchJumps(page: Page): Promise<void> {
  await log(page).evaluate((element) => {
    const eye = { worst: 0, most: 0, changes: 0 };
    Object.assign(window, { eye });
    let rested: { key: string; top: number } | null = null;
    let first = '';
    const look = () => {
      const all = [...element.querySelectorAll<HTMLElement>('[data-key]')];
      eye.most = Math.max(eye.most, all.length);
      const begin = all[0]?.dataset['key'] ?? '';
      if (begin !== first) {
        eye.changes += 1;
        first = begin;
      }
      const { top, height } = element.getBoundingClientRect();
      const row = rested && all.find((one) => one.dataset['key'] === rested?.key);
      if (rested && row && element.dataset['still'] === 'yes')
        eye.worst = Math.max(eye.worst, Math.abs(row.getBoundingClientRect().top - rested.top));
      const next = all.find((one) => one.getBoundingClientRect().top >= top + height / 2);
      rested = next ? { key: next.dataset['key'] ?? '', top: next.getBoundingClientRect().top } : null;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

const eye = (page: Page) =>
  page.evaluate(() => (window as unknown as { eye: { worst: number; most: number; changes: number } }).eye);

/** Scrolls a little, then rests: while one rests nothing may move, whatever arrives. */
async function scroll(page: Page, by: number): Promise<void> {
  await log(page).evaluate((element, by) => {
    delete element.dataset['still'];
    element.scrollTop += by;
    return new Promise<void>((resolve) =>
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          element.dataset['still'] = 'yes';
          resolve();
        }),
      ),
    );
  }, by);
  await page.waitForTimeout(60);
}

test('older pages come without a jump, and the document never holds more than 300 messages', async () => {
  const { page } = await town().visit(reader, `/c/${room.id}`);
  await sees(log(page).getByRole('article'));
  await becomes(() => lastSeq(page), MESSAGES + 2);
  const end = await lastSeq(page);
  await watchJumps(page);
  const goal = end - 1_500;
  for (let turn = 0; (await firstSeq(page)) > goal && turn < 400; turn += 1) await scroll(page, -1_200);
  expect(await firstSeq(page), 'history is loaded').toBeLessThanOrEqual(goal);
  await page.waitForTimeout(300);
  const upwards = await eye(page);
  expect(upwards.changes).toBeGreaterThan(10);
  expect(upwards.worst, 'pixels that a row moved while one was reading').toBeLessThan(3);
  expect(upwards.most).toBeLessThanOrEqual(MOST_ROWS);
  await sees(page.getByRole('button', { name: 'Jump to latest' }));

  for (let turn = 0; (await lastSeq(page)) < end && turn < 600; turn += 1) await scroll(page, 1_200);
  expect(await lastSeq(page), 'the way back is loaded').toBe(end);
  const downwards = await eye(page);
  expect(downwards.worst, 'pixels that a row moved while one was reading').toBeLessThan(3);
  expect(downwards.most).toBeLessThanOrEqual(MOST_ROWS);
}, 120_000);

test('a link to a message opens the conversation around it, and one jump leads to the latest', async () => {
  const { page } = await town().visit(reader, `/c/${room.id}/4321`);
  const wanted = log(page).locator('[data-seq="4321"]');
  await sees(wanted);
  await becomes(
    () =>
      wanted.evaluate((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        const frame = row.closest('[role=log]')?.getBoundingClientRect();
        return frame !== undefined && top >= frame.top && bottom <= frame.bottom;
      }),
    true,
  );
  expect(await rows(page)).toBeLessThanOrEqual(MOST_ROWS);

  // Something new is said meanwhile: it is counted, and not shown in the wrong place.
  await writer.say(room, 'The very newest');
  await sees(page.getByRole('button', { name: '1 new message' }));
  await page.getByRole('button', { name: '1 new message' }).click();
  await sees(message(page, 'The very newest'));
  await seesNot(page.getByRole('button', { name: /Jump to latest|new message/ }));
  await becomes(async () => (await reader.do<Conversation>('GET', `/v1/conversations/${room.id}`)).unread, 0);
});

test('who reads far up is not pulled down by what is said, and who is at the end follows', async () => {
  const { page } = await town().visit(reader, `/c/${room.id}`);
  await sees(log(page).getByRole('article'));
  await watchJumps(page);
  await scroll(page, -3_000);
  await page.waitForTimeout(500);
  for (let count = 0; count < 20; count += 1) await writer.say(room, `Meanwhile ${count}`);
  await sees(page.getByRole('button', { name: '20 new messages' }));
  expect((await eye(page)).worst).toBeLessThan(3);
  await page.getByRole('button', { name: '20 new messages' }).click();
  await sees(message(page, 'Meanwhile 19'));
  await writer.say(room, 'Followed');
  await sees(message(page, 'Followed'));
  const below = () => log(page).evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight);
  await expect.poll(below).toBeLessThan(3);
  await sees(composer(page));
});
