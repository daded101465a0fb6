import { plain, type Conversation } from '@palabre/sdk';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { PAYLOADS, PLACES, SHORT } from '../corpus/payloads';
import { becomes, conversations, dialog, log, sees } from '../town/look';
import { Person } from '../town/person';
import { useTown } from '../town/town';
import type { Visit } from '../town/visit';

const town = useTown();

/** Texts that the server refuses, such as a null byte in a name; few of them. */
const MOST_REFUSED = 12;

let observer: Person;
let villain: Person;
let square: Conversation;
/** Texts that were accepted as a message, as a name, as a room's name and as a topic. */
const kept = { texts: [] as string[], names: [] as string[], rooms: [] as string[], topics: [] as string[] };

const tried = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  );

/** Somebody whose name and whole profile are one payload; says it, and opens a room that is called so. */
async function settle(payload: string, at: number): Promise<void> {
  const person = await town().person(`villain-${at}`);
  for (const field of [
    'first_name',
    'last_name',
    'profession',
    'city',
    'language',
    'time_zone',
    'status_message',
  ]) {
    await tried(person.update({ [field]: payload }));
  }
  // Names and topics are kept without what cannot be seen.
  const named = await person.update({ display_name: payload }).catch(() => null);
  if (named?.display_name) kept.names.push(named.display_name);
  await person.join(square);
  if (await tried(person.say(square, payload))) kept.texts.push(payload);
  const name = `${at} ${payload}`;
  const room = await person.makeRoom(name).catch(() => person.makeRoom(`${at} plain`));
  if (room.name === name.trim()) kept.rooms.push(payload);
  const described = await person
    .do<Conversation>('PATCH', `/v1/conversations/${room.id}`, { topic: payload })
    .catch(() => null);
  if (described?.topic) kept.topics.push(described.topic);
  await tried(person.say(room, payload));
  await observer.join(room);
}

town.settle(async () => {
  observer = await town().administrator('observer');
  square = await observer.makeRoom('The square');
  villain = await town().person('villain');
  await villain.join(square);
  for (const [at, payload] of PAYLOADS.entries()) await settle(payload, at);
  const { seq } = await villain.say(square, 'React to this');
  for (const emoji of SHORT) await tried(villain.react(square, seq, emoji));
  await observer.read(square, seq);
});

/** Reports scripts that must not run, and any use of what scripts could call. */
async function visit(person: Person | null, path: string): Promise<Visit> {
  const visit = await town().visit(person, {
    path,
    before: () => {
      const { reportTrouble } = window as unknown as { reportTrouble: (trouble: string) => void };
      Object.assign(window, { canary: (which: unknown) => reportTrouble(`canary ${String(which)}`) });
      class Told {
        static permission = 'granted';
        static requestPermission = () => Promise.resolve('granted');
        constructor(title: string, options: { body: string }) {
          ((window as unknown as { told: string[] }).told ??= []).push(title, options.body);
        }
        close() {}
      }
      Object.assign(window, { Notification: Told });
    },
    kept: { 'palabre.details': 'open', 'palabre.notify': 'all' },
  });
  return visit;
}

/** Nothing in the page is made of what people wrote: no element, no attribute that runs or fetches. */
async function isClean(page: Page): Promise<void> {
  // Pictures that fail, frames and animations that begin: they have had their time.
  await page.waitForTimeout(200);
  const found = await page.evaluate(() =>
    [...document.querySelectorAll('*')].flatMap((element) => {
      const bad =
        /^(iframe|object|embed|base|math|marquee|audio|video|form\[action\]|foreignobject|animate|xmp|listing)$/i;
      const runs = element.getAttributeNames().filter((name) => name.startsWith('on') || name === 'srcdoc');
      const address = element.getAttribute('href') ?? element.getAttribute('src') ?? '';
      const odd = /^\s*(javascript|data|vbscript|file):/i.test(address);
      const styled = element.localName === 'style' && !element.closest('head');
      return bad.test(element.localName) || runs.length > 0 || odd || styled
        ? [element.outerHTML.slice(0, 200)]
        : [];
    }),
  );
  expect(found).toEqual([]);
  expect(await page.evaluate(() => ({}).hasOwnProperty('canary') || 'polluted' in {})).toBe(false);
}

/** Opens all pages of a list. */
async function showAll(where: Page | Locator): Promise<void> {
  const more = where.getByRole('button', { name: 'Show more' });
  for (let rest = 20; rest > 0 && (await more.isVisible()); rest -= 1) {
    await more.click({ timeout: 2_000 }).catch(() => {});
    await expect.poll(() => more.isEnabled({ timeout: 500 }).catch(() => true)).toBe(true);
  }
  expect(await more.isVisible()).toBe(false);
}

/** All texts of these elements, as one reads them. */
const read = (page: Page, selector: string) =>
  page.evaluate(
    (selector) =>
      [...document.querySelectorAll(selector)].map((element) => {
        const copy = element.cloneNode(true) as Element;
        for (const unseen of copy.querySelectorAll('.unseen')) unseen.remove();
        return copy.textContent ?? '';
      }),
    selector,
  );

/** The text without what is about its form only. */
const bare = (text: string) => text.replace(/\s+/g, ' ').trim();

function expectAll(payloads: readonly string[], seen: readonly string[]): void {
  const all = seen.map(bare);
  const missing = payloads.filter((payload) => !all.some((text) => text.includes(bare(payload))));
  expect(missing, 'texts that are not shown as they were written').toEqual([]);
}

test('the corpus is large, and nearly all of it gets past the server', () => {
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(100);
  expect(new Set(PAYLOADS).size).toBe(PAYLOADS.length);
  for (const [where, accepted] of Object.entries(kept)) {
    console.info(`${where}: ${accepted.length} of ${PAYLOADS.length} payloads`);
  }
  expect(kept.texts.length).toBeGreaterThanOrEqual(PAYLOADS.length - MOST_REFUSED);
  expect(kept.names.length).toBeGreaterThanOrEqual(100);
  expect(kept.rooms.length).toBeGreaterThanOrEqual(100);
  expect(kept.topics.length).toBeGreaterThanOrEqual(100);
});

test('as messages, authors and reactions they are text', async () => {
  const { page } = await visit(observer, `/c/${square.id}`);
  await sees(log(page).getByText('React to this'));
  // All of it, page by page.
  const seen = new Set<string>();
  const names = new Set<string>();
  const beginning = page.getByText('This is the beginning of the conversation.');
  const end = Date.now() + 60_000;
  for (let isThere = false; !isThere && Date.now() < end; await page.waitForTimeout(80)) {
    // Asked for first: what came while the texts were read is read in the next turn.
    isThere = await beginning.isVisible();
    for (const text of await read(page, '[role=log] .what > .text')) seen.add(text);
    for (const text of await read(page, '[role=log] .who b')) names.add(text);
    await log(page).evaluate((element) => (element.scrollTop -= 2_000));
  }
  expectAll(kept.texts.map(plain), [...seen]);
  expectAll(kept.names, [...names]);
  await isClean(page);
  // Everything that listens to the pointer, the focus and the keys has its chance.
  for (const row of await log(page).getByRole('article').all())
    await row.hover({ timeout: 2_000 }).catch(() => {});
  await isClean(page);
});

test('as names, topics and last messages in the lists they are text', async () => {
  const { page } = await visit(observer, '/');
  await sees(conversations(page).getByRole('link', { name: /The square/ }));
  await becomes(async () => (await read(page, 'nav li .name')).length, PAYLOADS.length + 1);
  expectAll(kept.rooms, await read(page, 'nav li .name'));
  expectAll(kept.texts.map(plain), await read(page, 'nav li .preview'));
  await isClean(page);

  await page.getByRole('link', { name: 'Discover rooms' }).first().click();
  await sees(page.getByRole('button', { name: /^Open: / }));
  await showAll(page);
  expectAll(kept.rooms, await read(page, 'main h2'));
  expectAll(kept.topics, await read(page, 'main li p'));
  await isClean(page);
});

test('as members, in profiles, pickers and confirmations they are text', async () => {
  const { page } = await visit(observer, `/c/${square.id}`);
  const details = page.getByRole('complementary', { name: 'Details' });
  await sees(details);
  await showAll(details);
  await becomes(async () => (await read(page, 'aside li b')).length, PAYLOADS.length + 2);
  expectAll(kept.names, await read(page, 'aside li b'));
  await isClean(page);

  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await sees(dialog(page).getByText('@villain-0'));
  await isClean(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await dialog(page).getByRole('combobox').fill('<');
  await sees(dialog(page).getByRole('option').first());
  await isClean(page);
});

test('to administrators they are text', async () => {
  const { page } = await visit(observer, '/admin/people');
  await sees(page.getByRole('switch').or(page.getByRole('checkbox')));
  await showAll(page);
  expectAll(kept.names, await read(page, '.person .name'));
  await isClean(page);
  await page.getByRole('link', { name: 'Rooms', exact: true }).click();
  await sees(page.getByRole('button', { name: /^Edit / }));
  await showAll(page);
  expectAll(kept.rooms, await read(page, '.room .name'));
  expectAll(kept.topics, await read(page, '.room .what p'));
  await isClean(page);
});

test('as they arrive, are read aloud and shown in notifications they are text', async () => {
  const { page } = await visit(observer, '/settings/profile');
  await sees(page.getByRole('heading', { name: 'Profile' }));
  const bob = await town().person('bobby');
  const direct = await bob.directWith(observer);
  // At most twenty at once are told one by one.
  for (let from = 0; from < kept.texts.length; from += 15) {
    const some = kept.texts.slice(from, from + 15);
    for (const payload of some) await bob.say(direct, payload);
    await becomes(
      () => page.evaluate(() => (window as unknown as { told?: string[] }).told?.length ?? 0),
      2 * (from + some.length),
    );
  }
  const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
  expectAll(kept.texts.map(plain), told);
  await isClean(page);
  await page.goto(`${town().server.url}/c/${direct.id}`);
  await sees(log(page).getByRole('article'));
  for (const payload of kept.texts.slice(0, 30)) await bob.say(direct, payload);
  await isClean(page);
});

test('as a profile they are text, to its owner and to others', async () => {
  const [payload = ''] = PAYLOADS;
  await villain.update({
    display_name: `"'><img src=x onerror=canary(1)>`,
    profession: payload,
    city: payload,
    status_message: payload,
  });
  const { page } = await visit(villain, '/settings/profile');
  await becomes(() => page.getByLabel('City').inputValue(), payload);
  await isClean(page);
  await page.goto(town().server.url);
  await sees(page.getByRole('heading', { name: 'Welcome, "\'><img src=x onerror=canary(1)>' }));
  await isClean(page);

  const direct = await observer.directWith(villain);
  const other = await visit(observer, `/c/${direct.id}`);
  await becomes(async () => (await read(other.page, 'aside dd')).filter((one) => one === payload).length, 3);
  await isClean(other.page);
});

test('as addresses they lead nowhere', async () => {
  for (const person of [observer, null]) {
    const { page, home } = await visit(person, '/');
    for (const place of PLACES) {
      await page.goto(home + place);
      // A place behind a # alone is not loaded.
      if (place.includes('#')) await page.reload();
      await sees(page.getByRole(person ? 'navigation' : 'main'));
      await isClean(page);
    }
  }
});
