import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible } from '../town/axe';
import { becomes, composer, conversations, log, message, say, sees, seesNot } from '../town/look';
import { useTown } from '../town/town';

const town = useTown();

test('a page that was chosen dark is dark from the first paint on, whatever the system has', async () => {
  for (const [chosen, system] of [
    ['dark', 'light'],
    ['light', 'dark'],
  ] as const) {
    const { page } = await town().visit(null, {
      path: '/login',
      colorScheme: system,
      kept: { 'palabre.theme': chosen },
      before: () => {
        // The first frame that is painted after there is a body.
        const look = () =>
          document.body
            ? Object.assign(window, { first: getComputedStyle(document.body).backgroundColor })
            : requestAnimationFrame(look);
        requestAnimationFrame(look);
      },
    });
    await sees(page.getByRole('heading', { level: 1 }));
    const [first, now] = await page.evaluate(() => [
      (window as unknown as { first: string }).first,
      getComputedStyle(document.body).backgroundColor,
    ]);
    expect(first).toBe(now);
    const [red = 0] = (now ?? '').match(/\d+/g)?.map(Number) ?? [];
    expect(chosen === 'dark' ? red < 60 : red > 200, `${chosen}: ${now}`).toBe(true);
  }
});

test('colours are chosen in the settings, apply at once, and stay', async () => {
  const tea = await town().person('tea');
  const { page } = await town().visit(tea, { path: '/settings/look', colorScheme: 'light' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  const dark = await paper();
  await page.reload();
  await sees(page.getByRole('radio', { name: 'Dark' }));
  expect(await paper()).toBe(dark);
  await page.getByRole('radio', { name: 'Same as my device' }).check({ force: true });
  expect(await paper()).not.toBe(dark);
});

test('the browser’s back and forward lead through what was open', async () => {
  const una = await town().person('una');
  const [east, west] = [await una.makeRoom('East'), await una.makeRoom('West')];
  const { page } = await town().visit(una);
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });
  await conversations(page).getByRole('link', { name: /East/ }).click();
  await sees(heading('East'));
  await conversations(page).getByRole('link', { name: /West/ }).click();
  await sees(heading('West'));
  await page.getByRole('link', { name: 'Discover rooms' }).click();
  await sees(heading('Discover rooms'));
  await page.goBack();
  await sees(heading('West'));
  expect(new URL(page.url()).pathname).toBe(`/c/${west.id}`);
  await page.goBack();
  await sees(heading('East'));
  expect(new URL(page.url()).pathname).toBe(`/c/${east.id}`);
  await page.goForward();
  await sees(heading('West'));
  // An address that is not ours, or of nothing, leads home.
  await page.goto(`${town().server.url}/c/999999`);
  await sees(heading('Welcome, una'));
});

test('on a phone one sees the list or what it leads to, and comes back', async () => {
  const vic = await town().person('vic');
  const room = await vic.makeRoom('Pocket');
  await vic.say(room, 'Small but complete');
  const { page } = await town().visit(vic, {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  });
  await sees(conversations(page));
  expect(await page.getByRole('log').count()).toBe(0);
  await conversations(page)
    .getByRole('link', { name: /Pocket/ })
    .tap();
  await sees(message(page, 'Small but complete'));
  await seesNot(conversations(page));
  // Enter is a new line on a phone's keyboard; the button sends.
  await composer(page).fill('Line one');
  await composer(page).press('Enter');
  await composer(page).pressSequentially('Line two');
  await page.getByRole('button', { name: 'Send' }).tap();
  await sees(message(page, 'Line one\nLine two'));
  await page.getByRole('button', { name: 'Back to the conversations' }).tap();
  await sees(conversations(page));
  await page.goBack();
});

test('a phone says that there is no connection over the list as well', async () => {
  const zoe = await town().person('zoe');
  await zoe.makeRoom('Purse');
  const visit = await town().visit(zoe, {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  });
  visit.expects(/WebSocket connection to .* failed/, /Failed to load resource: net::ERR_INTERNET/);
  const { page, context } = visit;
  await sees(conversations(page));
  await context.setOffline(true);
  const banner = page.getByText(/^(Connecting|No connection)/);
  await sees(banner);
  await sees(conversations(page));
  await expectAccessible(page, 'a list without a connection');
  await context.setOffline(false);
  await seesNot(banner);
});

/** The elements that stick out at the side. */
const tooWide = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const out = [...document.querySelectorAll('body *')].filter(
      (element) =>
        element.getBoundingClientRect().right > clientWidth + 1 &&
        getComputedStyle(element).position !== 'absolute',
    );
    return scrollWidth > clientWidth ? out.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)) : [];
  });

test('no page is wider than a narrow phone', async () => {
  const wes = await town().administrator('wes', { display_name: 'Wesley With-a-Rather-Long-Double-Name' });
  const room = await wes.makeRoom('A room with a name that is longer than any phone is wide, and then some', {
    topic: 'unbreakable'.repeat(20),
  });
  await wes.say(room, `${'endless'.repeat(60)} https://example.org/${'path/'.repeat(60)}`);
  await wes.say(room, `\`\`\`\n${'code '.repeat(100)}\n\`\`\``);
  const viewport = { width: 320, height: 640 };
  const { page } = await town().visit(wes, { viewport });
  const { page: stranger } = await town().visit(null, { path: '/login', viewport });
  for (const path of [
    '/',
    `/c/${room.id}`,
    '/discover',
    '/saved',
    '/settings',
    ...['profile', 'security', 'sessions', 'look', 'notifications', 'reminders', 'keyboard'].map(
      (one) => `/settings/${one}`,
    ),
    '/admin',
    ...['people', 'rooms', 'statistics'].map((one) => `/admin/${one}`),
  ]) {
    await page.goto(town().server.url + path);
    await sees(page.getByRole('heading', { level: 1 }));
    await page.waitForTimeout(400);
    expect(await tooWide(page), path).toEqual([]);
  }
  for (const path of ['/login', '/register', '/setup']) {
    await stranger.goto(town().server.url + path);
    await sees(stranger.getByRole('heading', { level: 1 }));
    expect(await tooWide(stranger), path).toEqual([]);
  }
});

interface Told {
  title: string;
  body: string;
}

/** In the place of the browser's notifications, which nobody sees here: notes what would be shown. */
function noteNotifications(): void {
  const told: Told[] = [];
  class Note {
    static permission = 'granted';
    static requestPermission = () => Promise.resolve('granted');
    onclick: (() => void) | null = null;
    constructor(title: string, { body }: { body: string }) {
      told.push({ title, body });
    }
    close() {}
  }
  Object.assign(window, { Notification: Note, told });
}
const told = (page: Page) => page.evaluate(() => (window as unknown as { told: Told[] }).told);

test('the browser notifies of direct messages, and not of the conversation that one looks at', async () => {
  const [xan, yan] = [await town().person('xan'), await town().person('yan')];
  const room = await xan.makeRoom('Crowd');
  await yan.join(room);
  const direct = await yan.directWith(xan);
  const { page } = await town().visit(xan, { path: '/settings/notifications', before: noteNotifications });
  await page.getByRole('radio', { name: /^Direct messages and mentions/ }).check({ force: true });
  await page.getByRole('link', { name: 'Back to the conversations' }).click();

  await yan.say(room, 'To nobody in particular');
  await yan.say(direct, 'Only for you');
  await becomes(() => told(page), [{ title: 'yan', body: 'Only for you' }]);
  await yan.say(room, 'But @xan should hear this');
  await becomes(async () => (await told(page)).length, 2);
  expect((await told(page))[1]).toEqual({ title: 'yan · Crowd', body: 'But @xan should hear this' });

  await conversations(page).getByRole('link', { name: /^yan/ }).click();
  await sees(message(page, 'Only for you'));
  await yan.say(direct, 'You see this already');
  await sees(message(page, 'You see this already'));
  expect(await told(page)).toHaveLength(2);
});

test('nobody is asked for permission before they want notifications', async () => {
  const zed = await town().person('zed');
  const { page } = await town().visit(zed, {
    before: () => {
      Notification.requestPermission = () => {
        Object.assign(window, { asked: true });
        return Promise.resolve('denied' as const);
      };
    },
    path: '/settings/notifications',
  });
  await sees(page.getByRole('radio', { name: 'Nothing' }).first());
  expect(await page.evaluate(() => 'asked' in window)).toBe(false);
  await page
    .getByRole('radio', { name: /^Everything/ })
    .first()
    .click({ force: true });
  await sees(page.getByText(/Your browser does not let this page notify you/));
  expect(await page.getByRole('radio', { name: 'Nothing' }).first().isChecked()).toBe(true);
});

test('screen readers hear each new message once, from one announcer', async () => {
  const [abe, bea] = [await town().person('abe'), await town().person('bea')];
  const room = await abe.makeRoom('Radio');
  await bea.join(room);
  const { page } = await town().visit(abe, `/c/${room.id}`);
  await sees(composer(page));
  const announcer = page.locator('[data-announcer]');
  expect(await announcer.getAttribute('aria-live')).toBe('polite');
  await bea.say(room, 'Can you hear me');
  await becomes(() => announcer.innerText(), 'bea says: Can you hear me');
  // The log itself is silent, or everything would be read twice.
  expect(await log(page).getAttribute('aria-live')).toBe('off');
  await say(page, 'Loud and clear');
  await sees(message(page, 'Loud and clear'));
  await becomes(() => announcer.innerText(), 'bea says: Can you hear me');
});
