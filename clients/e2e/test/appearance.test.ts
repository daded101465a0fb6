// The look: one face for headings, a bar that covers nothing, lines that do not break, panels over the page.
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, expectAccessibleEverywhere } from '../town/axe';
import { settle, type BelievableTown } from '../town/believable';
import { expectFocusSeen, getsFocus, tabTo } from '../town/keyboard';
import { lively, type LivelyRoom } from '../town/lively';
import { composer, dialog, log, message, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
const TABLET = { viewport: { width: 900, height: 1100 } } as const;

let here: BelievableTown;
let room: LivelyRoom;
town.settle(async () => {
  here = await settle(town());
  room = await lively(town());
});

const inRoom = () => `/c/${room.room.id}`;

/** The faces of all headings that one sees. */
const faces = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('h1, h2, h3, h4, [role=heading]')]
      .filter((one) => one.checkVisibility() && !one.classList.contains('unseen'))
      .map((one) => getComputedStyle(one).fontFamily),
  );

test('headings have one face on every page', async () => {
  const visit = await town().visit(here.people.ines, {
    path: `/c/${here.garden.id}`,
    kept: { 'palabre.details': 'open' },
  });
  const found = new Set<string>();
  for (const path of [
    `/c/${here.garden.id}`,
    '/',
    '/activity',
    '/threads',
    '/saved',
    '/discover',
    '/settings/profile',
    '/settings/notifications',
    '/admin/people',
  ]) {
    await visit.goto(path);
    await sees(visit.page.getByRole('heading').first());
    for (const face of await faces(visit.page)) found.add(face);
  }
  const { page } = await town().visit(room.me, `${inRoom()}/t/${room.root}`);
  await sees(page.getByRole('log', { name: 'Replies' }).getByText('我来读最后一章。'));
  for (const face of await faces(page)) found.add(face);
  await page.keyboard.press('Control+k');
  await sees(dialog(page));
  for (const face of await faces(page)) found.add(face);
  const { page: enter } = await town().visit(null, '/login');
  await sees(enter.getByRole('heading', { level: 1 }));
  for (const face of await faces(enter)) found.add(face);
  expect([...found]).toHaveLength(1);
});

/** The texts, pictures and controls of the log that lie under the bar of a message, in words. */
const covered = (page: Page) =>
  page.evaluate(() => {
    const bar = document.querySelector('[role=toolbar]');
    const around = bar?.closest('[role=log]');
    if (!bar || !around) return ['there is no bar'];
    const { left, right, top, bottom } = bar.getBoundingClientRect();
    const meets = (one: DOMRect) =>
      one.left < right - 1 && one.right > left + 1 && one.top < bottom - 1 && one.bottom > top + 1;
    const hidden = (element: Element | null) =>
      !element?.checkVisibility() || bar.contains(element) || element.closest('.unseen') !== null;
    /** Text that is cut off at an ellipsis, or scrolled away, is not seen. */
    const seen = (rect: DOMRect, element: Element | null): DOMRect => {
      let { left, right, top, bottom } = rect;
      for (let one = element; one && one !== around.parentElement; one = one.parentElement) {
        if (getComputedStyle(one).overflow === 'visible') continue;
        const clip = one.getBoundingClientRect();
        [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
        [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
      }
      return new DOMRect(left, top, Math.max(0, right - left), Math.max(0, bottom - top));
    };
    const found: string[] = [];
    const texts = document.createTreeWalker(around, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      if (hidden(text.parentElement) || !text.textContent?.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      if ([...range.getClientRects()].some((rect) => meets(seen(rect, text.parentElement))))
        found.push(text.textContent);
    }
    for (const one of around.querySelectorAll('button, a, img, canvas, audio, video, .avatar'))
      if (!hidden(one) && [...one.getClientRects()].some(meets))
        found.push(`${one.localName} ${one.className}`);
    return found;
  });

const tops = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('[data-key]')].map((one) => one.getBoundingClientRect().top),
  );

test('the bar of a message covers nothing, and nothing moves when it comes', async () => {
  for (const [what, path, viewport] of [
    ['a wide room', inRoom(), { width: 1440, height: 1000 }],
    ['a room', inRoom(), { width: 1000, height: 1000 }],
    ['a narrow room', inRoom(), { width: 390, height: 900 }],
    ['a thread', `${inRoom()}/t/${room.root}`, { width: 1280, height: 1000 }],
  ] as const) {
    const { page } = await town().visit(room.me, { path, viewport });
    const logs = page.getByRole('log').filter({ visible: true });
    await sees(logs.getByRole('article').first());
    await page.waitForTimeout(500);
    for (const row of await logs.getByRole('article').all()) {
      await row.scrollIntoViewIfNeeded();
      await page.mouse.move(0, 0);
      await seesNot(page.getByRole('toolbar'));
      const before = await tops(page);
      await row.hover();
      if (!(await row.locator('.text').count())) continue;
      await sees(row.getByRole('toolbar'));
      expect(await covered(page), `${what}: ${await row.innerText()}`).toEqual([]);
      expect(await tops(page), what).toEqual(before);
    }
  }
});

test('a finger has the bar under the message, and each button is large enough', async () => {
  const { page } = await town().visit(room.me, { path: inRoom(), ...PHONE });
  const row = message(page, 'Ten is fine for me.');
  await (await sees(row)).locator('.what > .text').tap();
  const bar = await sees(row.getByRole('toolbar'));
  expect(await covered(page)).toEqual([]);
  const sizes = await bar
    .locator(':scope > button')
    .evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect()).map((it) => [it.width, it.height, it.right]),
    );
  expect(sizes).toHaveLength(7);
  for (const [width = 0, height = 0, right = 0] of sizes) {
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(44);
    expect(right).toBeLessThanOrEqual(390);
  }
  await expectAccessible(page, 'the bar under a message');
  // The text has a line for itself, and the buttons beside it are as large.
  const [box, send] = [
    await composer(page).boundingBox(),
    await page.getByRole('button', { name: 'Send' }).boundingBox(),
  ];
  expect(box?.width ?? 0).toBeGreaterThan(300);
  expect(send?.height ?? 0).toBeGreaterThanOrEqual(44);
});

test('the bar is one stop of the Tab key, in which the arrows move, also where it has fewer buttons', async () => {
  for (const [width, first] of [
    [1440, 'React 👍'],
    [900, 'React'],
  ] as const) {
    const { page } = await town().visit(room.me, { path: inRoom(), viewport: { width, height: 900 } });
    await sees(message(page, 'Short.'));
    await log(page).focus();
    await page.keyboard.press('ArrowUp');
    const row = message(page, 'Short.');
    await getsFocus(row);
    const bar = row.getByRole('toolbar', { name: 'Message actions' });
    await tabTo(page, bar.getByRole('button', { name: first, exact: true }));
    await page.keyboard.press('ArrowLeft');
    await getsFocus(bar.getByRole('button', { name: first, exact: true }));
    await page.keyboard.press('End');
    const more = bar.getByRole('button', { name: 'More' });
    await getsFocus(more);
    await page.keyboard.press('ArrowLeft');
    await getsFocus(bar.getByRole('button', { name: 'Reply in thread' }));
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await getsFocus(page.getByRole('menuitem').first());
    await page.keyboard.press('Escape');
    await getsFocus(more);
    // The next stop is behind the bar.
    await page.keyboard.press('Tab');
    await getsFocus(row.getByRole('button', { name: /^Read by / }));
  }
});

test('times, counts and names stay on one line, however narrow it is', async () => {
  for (const [path, language] of [
    [inRoom(), 'en-US'],
    [`${inRoom()}/t/${room.root}`, 'fr-FR'],
    ['/activity', 'fr-FR'],
    ['/', 'en-US'],
  ] as const) {
    const { page } = await town().visit(room.me, {
      path,
      locale: language,
      viewport: { width: 320, height: 700 },
    });
    await sees(page.locator('time').filter({ visible: true }).first());
    await page.waitForTimeout(500);
    const broken = await page.evaluate(() => {
      const lines = (one: Element) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 8))).size;
      };
      return [
        ...document.querySelectorAll('time, .count > :first-child, .who b, .name bdi, .reactions .emoji'),
      ]
        .filter((one) => one.checkVisibility() && !one.classList.contains('unseen') && lines(one) > 1)
        .map((one) => one.outerHTML);
    });
    expect(broken, `${path} in ${language}`).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(320);
  }
});

/** The elements whose text takes more than one line. */
const broken = (of: Locator) =>
  of.evaluateAll((all) =>
    all.flatMap((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      const lines = new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 8)));
      return lines.size > 1 ? [one.textContent] : [];
    }),
  );

test('long names break no other word, and stay on the page', async () => {
  const { max } = room.others;
  await max.update({
    profession: 'Vermessungsingenieurin und Kartographin im Ruhestand',
    city: 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch',
    status_message: 'Away until the twelfth; in urgent matters please ask those who know about the proofs',
  });
  const { page } = await town().visit(room.me, { path: inRoom(), ...PHONE });
  await sees(message(page, 'Short.'));
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: /^Actions for Maximiliane/ }).click();
  const menu = page.getByRole('menu').filter({ visible: true });
  await sees(menu.getByRole('menuitem', { name: /^Remove Maximiliane/ }));
  const box = await menu.boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? Infinity)).toBeLessThanOrEqual(390 - 8);
  await menu.getByRole('menuitem', { name: 'Profile' }).click();
  await sees(dialog(page).getByText('Llanfair', { exact: false }));
  expect(await broken(dialog(page).locator('dt'))).toEqual([]);
  await expectAccessible(page, 'a profile with long lines');
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  await page.getByRole('button', { name: /^Actions for Maximiliane/ }).click();
  await menu.getByRole('menuitem', { name: /^Remove Maximiliane/ }).click();
  await sees(dialog(page).getByRole('button', { name: 'Cancel' }));
  expect(await broken(dialog(page).getByRole('button', { name: 'Cancel' }))).toEqual([]);
  const cutOff = await dialog(page).evaluate((one) => one.scrollWidth - one.clientWidth);
  expect(cutOff).toBe(0);
});

/** Whether a press in its middle gets to it. */
const isReached = (what: Locator) =>
  what.evaluate((one) => {
    const { left, top, width, height } = one.getBoundingClientRect();
    return one.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  });

test('a dialog that is higher than the window scrolls, and its head stays', async () => {
  const { page } = await town().visit(room.me, {
    path: inRoom(),
    viewport: { width: 390, height: 520 },
  });
  await sees(message(page, 'Short.'));
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Name, topic and picture' }).click();
  const topic = await sees(dialog(page).getByLabel('Topic'));
  const save = dialog(page).getByRole('button', { name: 'Save' });
  expect(await isReached(save)).toBe(false);
  await topic.hover();
  await page.mouse.wheel(0, 2_000);
  await expect.poll(() => isReached(save)).toBe(true);
  expect(await isReached(dialog(page).getByRole('button', { name: 'Close' }))).toBe(true);
  await expectAccessible(page, 'a dialog that scrolls');
});

test('who has read is seen, and listed on a click and by the keyboard', async () => {
  const { page } = await town().visit(room.me, inRoom());
  const row = message(page, 'Short.');
  const readers = row.getByRole('button', { name: /^Read by / });
  await sees(readers);
  const widths = await readers.locator('.avatar').evaluateAll((all) => all.map((one) => one.clientWidth));
  expect(widths).toEqual([20, 20, 20]);
  await sees(readers.getByText('+1'));
  await readers.click();
  await sees(dialog(page).getByRole('heading', { name: 'Read by 4 people' }));
  for (const { username } of Object.values(room.others)) await sees(dialog(page).getByText(`@${username}`));
  await expectAccessibleEverywhere(page, 'who has read');
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  await getsFocus(readers);
  await log(page).focus();
  await page.keyboard.press('ArrowUp');
  await getsFocus(row);
  await tabTo(page, readers);
  await page.keyboard.press('Enter');
  await sees(dialog(page));
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  // Léa reads on, and with that has read the messages before, too.
  const next = await room.me.say(room.room, 'And on.');
  await room.others.lea.read(room.room, next.seq);
  await sees(message(page, 'And on.').getByRole('button', { name: 'Read by Léa Martin' }));
  await seesNot(readers.getByText('+1'));
  await readers.click();
  await sees(dialog(page).getByRole('heading', { name: 'Read by 4 people' }));
  await sees(dialog(page).getByText(`@${room.others.lea.username}`));
});

test('a panel over the page darkens it, keeps the focus, and goes by Escape or a press beside it', async () => {
  const { page } = await town().visit(room.me, { path: inRoom(), ...TABLET });
  await sees(message(page, 'Short.'));
  const details = page.getByRole('complementary', { name: 'Details' });
  const open = page.getByRole('button', { name: 'Details' });
  await open.focus();
  await page.keyboard.press('Enter');
  await sees(details.getByText('Léa Martin'));
  await expect.poll(() => details.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  const behind = (x: number) => page.evaluate((at) => document.elementFromPoint(at, 500)?.className ?? '', x);
  expect(await behind(100)).toContain('scrim');
  await expectAccessible(page, 'details over the page');
  for (let stop = 0; stop < 12; stop += 1) {
    await page.keyboard.press(stop < 6 ? 'Tab' : 'Shift+Tab');
    await expectFocusSeen(page);
    expect(await details.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  }
  await page.keyboard.press('Escape');
  await seesNot(details);
  await getsFocus(open);
  await page.keyboard.press('Enter');
  await sees(details);
  await page.mouse.click(100, 500);
  await seesNot(details);

  await page.goto(`${town().server.url}${inRoom()}/t/${room.root}`);
  const thread = page.getByRole('complementary', { name: /^Thread in/ });
  await sees(thread.getByText('我来读最后一章。'));
  expect(await behind(100)).toContain('scrim');
  await expectAccessible(page, 'a thread over the page');
  // A key that the panel does not take is not for the room under it, and Escape closes it wherever the focus is.
  const unfocus = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const isNowhere = () => page.evaluate(() => document.activeElement === document.body);
  await unfocus();
  await page.keyboard.press('k');
  expect(await isNowhere()).toBe(true);
  await page.keyboard.press('Escape');
  await seesNot(thread);
  await page.goto(`${town().server.url}${inRoom()}/t/${room.root}`);
  await sees(thread);
  await page.mouse.click(100, 500);
  await seesNot(thread);
  expect(new URL(page.url()).pathname).toBe(inRoom());
  // Where there is room beside it nothing is darkened.
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${town().server.url}${inRoom()}/t/${room.root}`);
  await sees(thread);
  expect(await behind(500)).not.toContain('scrim');
});

test('what comes and goes takes 100 to 150 ms, and nothing where somebody wants no motion', async () => {
  const { page } = await town().visit(room.me, inRoom());
  await sees(message(page, 'Short.'));
  const duration = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((one) =>
        getComputedStyle(one)
          .transitionDuration.split(',')
          .map((it) => parseFloat(it) * 1000),
      );
  await message(page, 'Short.').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await sees(page.getByRole('menuitem', { name: 'Copy text' }));
  const all = [...(await duration('[role=toolbar]')), ...(await duration('[role=menu]:popover-open'))];
  await page.getByRole('menuitem', { name: 'Copy text' }).click();
  await sees(page.getByRole('status').getByText(/Cop|browser/));
  all.push(...(await duration('.toasts p')));
  await page.keyboard.press('Control+k');
  await sees(dialog(page));
  all.push(...(await duration('dialog[open]')));
  await page.setViewportSize({ width: 900, height: 900 });
  await page.keyboard.press('Escape');
  await seesNot(dialog(page));
  await page.getByRole('button', { name: 'Details' }).click();
  await sees(page.getByRole('complementary', { name: 'Details' }));
  all.push(...(await duration('aside.comes')), ...(await duration('.scrim')));
  expect(all.length).toBeGreaterThan(6);
  for (const ms of all) expect(ms >= 100 && ms <= 150, `${ms} ms`).toBe(true);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(Math.max(...(await duration('aside.comes')))).toBeLessThan(1);
});
