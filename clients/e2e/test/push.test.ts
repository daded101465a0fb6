// Being told while the page is out of sight: by the real worker and with real notifications. Only the push service is
// ours, as no other can be reached; what it is sent is given to the worker as the browser would.
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { expectAccessibleEverywhere } from '../town/axe';
import { becomes, log, message, sees, seesNot } from '../town/look';
import type { Person } from '../town/person';
import { PushService, type Subscription } from '../town/pushService';
import { useTown } from '../town/town';

const town = useTown({ 'push.wait_seconds': 1, 'outgoing.allow': '127.0.0.0/8' });
const service = await PushService.opens();
afterAll(() => service.close());

/** In the place of the browser's own push service. */
function subscribesHere(subscription: Subscription): void {
  let subscribed = sessionStorage.getItem('subscribed') !== null;
  const mine = {
    toJSON: () => subscription,
    unsubscribe: async () => !(subscribed = false),
  };
  PushManager.prototype.subscribe = async () => {
    subscribed = true;
    sessionStorage.setItem('subscribed', 'yes');
    return mine as unknown as PushSubscription;
  };
  PushManager.prototype.getSubscription = async () =>
    subscribed ? (mine as unknown as PushSubscription) : null;
}

const arrange = async (context: BrowserContext) => {
  await context.grantPermissions(['notifications']);
  await context.addInitScript(subscribesHere, service.subscription);
};

/** Gives the worker what the push service was sent. */
async function delivers(page: Page, cdp: CDPSession, data: string): Promise<void> {
  const registered = new Promise<string>((resolve) => {
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
  await cdp.send('ServiceWorker.enable');
  const registrationId = await registered;
  const { origin } = new URL(page.url());
  await cdp.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
  // It says which there are when it is enabled.
  await cdp.send('ServiceWorker.disable');
}

/** The notifications that the browser shows now: title and text. */
const shown = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration('/');
    const all = (await registration?.getNotifications()) ?? [];
    return all.map(({ title, body }) => `${title}: ${body}`);
  });

/**
 * Gives the worker what the push service was sent, and sees this shown. A push that is given by the debugger is lost now
 * and then on a busy machine, after another page was opened; a push service would keep it. It is given again.
 */
async function shows(page: Page, cdp: CDPSession, data: string, notifications: string[]): Promise<void> {
  for (let left = 3; left > 0; left -= 1) {
    await delivers(page, cdp, data);
    const come = becomes(() => shown(page), notifications, 8_000);
    if (
      await come.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  await becomes(() => shown(page), notifications);
}

/**
 * Nobody looks at the page any more, until the returned function is called. Playwright has the browser pretend that each
 * page is looked at, and another page in front changes nothing about that in all versions of Chromium.
 */
async function turnsAway(page: Page, cdp: CDPSession): Promise<() => Promise<void>> {
  const elsewhere = await page.context().newPage();
  await cdp.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  return async () => {
    await elsewhere.close();
    await cdp.send('Emulation.setFocusEmulationEnabled', { enabled: true });
    await page.bringToFront();
  };
}

/** Somebody has a browser notified and then looks elsewhere. */
async function notifiedElsewhere(person: Person) {
  const visit = await town().visit(person, { path: '/settings/notifications', arrange });
  visit.expects(/a page was opened/);
  const { page, context } = visit;
  await page.getByRole('button', { name: 'Notify me on this device' }).click();
  await sees(page.getByRole('list', { name: 'Devices that are notified' }).getByText('This device'));
  const cdp = await context.newCDPSession(page);
  return { visit, page, context, cdp, comesBack: await turnsAway(page, cdp) };
}

test('one turns it on, is told while one looks elsewhere, and no more of what one has read', async () => {
  const [ann, bob] = [await town().person('ann'), await town().person('bob')];
  const room = await ann.makeRoom('Garden');
  await bob.join(room);
  const visit = await town().visit(bob, { path: '/settings/notifications', arrange });
  visit.expects(/a page was opened/);
  const { page } = visit;
  await page.getByRole('button', { name: 'Notify me on this device' }).click();
  await sees(page.getByRole('list', { name: 'Devices that are notified' }).getByText('This device'));
  await expectAccessibleEverywhere(page, 'the settings of notifications');

  const cdp = await visit.context.newCDPSession(page);
  const comesBack = await turnsAway(page, cdp);
  await ann.say(room, 'The **lime** tree is dry');
  const told = await service.tells();
  expect(told).not.toMatch(/lime|ann|Garden/i);
  await shows(page, cdp, told, ['ann · Garden: The lime tree is dry']);

  // Read here, it is closed.
  await comesBack();
  await visit.goto(`/c/${room.id}`);
  await sees(message(page, 'The lime tree is dry'));
  await becomes(() => shown(page), []);

  // A reply in a thread is read there: that nothing is unread in the room says nothing of it.
  const root = await bob.say(room, 'Who waters it?');
  const comesBackAgain = await turnsAway(page, cdp);
  await ann.do('POST', `/v1/conversations/${room.id}/messages`, { text: 'I do', thread: root.seq });
  await shows(page, cdp, await service.tells(), ['ann · Garden: I do']);
  await comesBackAgain();
  await visit.goto(`/c/${room.id}`);
  await sees(message(page, 'Who waters it?'));
  await page.waitForTimeout(3_500);
  expect(await shown(page)).toEqual(['ann · Garden: I do']);
  await visit.goto(`/c/${room.id}/t/${root.seq}`);
  await sees(page.getByRole('log', { name: 'Replies' }).getByText('I do'));
  await becomes(() => shown(page), []);
  await visit.close();
});

test('what was read elsewhere is closed by the next push, and who has logged out is shown nothing', async () => {
  const [cat, dan] = [await town().person('cat'), await town().person('dan')];
  const [here, there] = [await cat.makeRoom('Here'), await cat.makeRoom('There')];
  for (const room of [here, there]) await dan.join(room);
  const visit = await town().visit(dan, { path: '/settings/notifications', arrange, locale: 'fr-FR' });
  visit.expects(/a page was opened/, /Failed to load resource/);
  const { page } = visit;
  await page.getByRole('button', { name: 'Me notifier sur cet appareil' }).click();
  await sees(page.getByRole('list', { name: 'Appareils notifiés' }).getByText('Cet appareil'));
  await expectAccessibleEverywhere(page, 'the settings of notifications, in French');
  await page.getByRole('checkbox', { name: 'Montrer ce que disent les messages' }).uncheck();
  await sees(page.getByRole('button', { name: 'Ne plus me notifier sur cet appareil' }));

  const cdp = await visit.context.newCDPSession(page);
  await turnsAway(page, cdp);
  const said = await cat.say(here, 'First');
  await shows(page, cdp, await service.tells(), ['cat · Here: Nouveau message']);
  // No page of the client is open any more: the worker alone can close it.
  await page.goto(`${visit.home}/docs`);
  await dan.read(here, said.seq);
  await cat.say(there, 'Second');
  const second = await service.tells();
  await shows(page, cdp, second, ['cat · There: Nouveau message']);

  // Logged out: the worker learns it when it asks, and shows nothing, not even what it had shown.
  await dan.do('DELETE', '/v1/sessions/current');
  await delivers(page, cdp, second);
  await becomes(() => shown(page), []);
  await visit.close();
});

/** The part of a worker that is needed. */
interface WorkerScope {
  readonly registration: { getNotifications(): Promise<readonly object[]> };
  readonly clients: { openWindow(url: string): Promise<null> };
  readonly NotificationEvent: new (
    type: string,
    init: object,
  ) => Event & { waitUntil(work: Promise<unknown>): void };
  dispatchEvent(event: Event): boolean;
}

/**
 * Clicks on the only notification that is shown. Nobody can click in a browser without a screen: the worker is told what
 * the browser would tell it. Where it would open a page is returned; nothing if it has opened none.
 */
async function clicks(context: BrowserContext): Promise<string | null> {
  const [worker] = context.serviceWorkers();
  if (!worker) throw new Error('there is no worker');
  return worker.evaluate(async () => {
    const scope = self as unknown as WorkerScope;
    const [notification] = await scope.registration.getNotifications();
    if (!notification) throw new Error('nothing is shown');
    let opened: string | null = null;
    scope.clients.openWindow = async (url) => {
      opened = url;
      return null;
    };
    await new Promise<void>((resolve) => {
      const click = new scope.NotificationEvent('notificationclick', { notification });
      // Only the browser's own events may be extended.
      click.waitUntil = (work) => void work.finally(resolve);
      scope.dispatchEvent(click);
    });
    return opened;
  });
}

test('a click on what is shown brings the page to the message, or opens one where there is none', async () => {
  const [gus, hal] = [await town().person('gus'), await town().person('hal')];
  const room = await gus.makeRoom('Orchard');
  await hal.join(room);
  const { visit, page, context, cdp, comesBack } = await notifiedElsewhere(hal);
  const plums = await gus.say(room, 'The plums are ripe');
  await shows(page, cdp, await service.tells(), ['gus · Orchard: The plums are ripe']);
  expect(await clicks(context)).toBeNull();
  await comesBack();
  await sees(log(page));
  await sees(message(page, 'The plums are ripe'));
  expect(new URL(page.url()).pathname).toBe(`/c/${room.id}/${plums.seq}`);
  await becomes(() => shown(page), []);

  // Whom an edit calls while they look at the message has read it there, and is not told.
  await gus.edit(room, plums.seq, 'The plums are ripe, @hal');
  await sees(message(page, 'The plums are ripe, @hal'));
  const inbox = () => hal.do<{ items: { read: boolean }[] }>('GET', '/v1/inbox');
  await becomes(async () => (await inbox()).items.map(({ read }) => read), [true]);

  // The documents are no page of the client: it could not go anywhere there.
  await page.goto(`${visit.home}/docs`);
  const comesBackAgain = await turnsAway(page, cdp);
  const pears = await gus.say(room, 'And the pears');
  await shows(page, cdp, await service.tells(), ['gus · Orchard: And the pears']);
  expect(await clicks(context)).toBe(`${visit.home}/c/${room.id}/${pears.seq}`);
  await becomes(() => shown(page), []);
  await comesBackAgain();
  await visit.close();
});

test('a reminder that is due is shown while one looks elsewhere, says what it is, and leads to its message', async () => {
  const [ivy, jan] = [await town().person('ivy'), await town().person('jan')];
  const room = await ivy.makeRoom('Vineyard');
  await jan.join(room);
  const vines = await ivy.say(room, 'The **vines** are to be cut');
  await jan.read(room, vines.seq);
  const { visit, page, context, cdp, comesBack } = await notifiedElsewhere(jan);
  // The server wants a second at least, and a request may take seconds where much else is done.
  const at = new Date(Date.now() + 6_000).toISOString();
  await jan.do('POST', '/v1/reminders', { conversation: room.id, seq: vines.seq, at });
  const told = await service.tells();
  expect(told).not.toMatch(/vines|ivy|Vineyard/i);
  await shows(page, cdp, told, ['Reminder · ivy · Vineyard: The vines are to be cut']);
  expect(await clicks(context)).toBeNull();
  await comesBack();
  await sees(message(page, 'The vines are to be cut'));
  expect(new URL(page.url()).pathname).toBe(`/c/${room.id}/${vines.seq}`);
  await becomes(() => shown(page), []);
  const notice = page.getByRole('complementary', { name: 'Reminders' });
  await expectAccessibleEverywhere(page, 'a reminder that is due');

  // Told once more, as a push service may: shown as long as it is due, and no more once it is done.
  const comesBackAgain = await turnsAway(page, cdp);
  await shows(page, cdp, told, ['Reminder · ivy · Vineyard: The vines are to be cut']);
  await comesBackAgain();
  await notice.getByRole('button', { name: 'Done: The vines are to be cut' }).click();
  await becomes(() => shown(page), []);
  await visit.close();
});

test('whoever clicks comes to the message, and a browser that cannot tell says so', async () => {
  const [eve, fay] = [await town().person('eve'), await town().person('fay')];
  const room = await eve.makeRoom('Meadow');
  await fay.join(room);
  const visit = await town().visit(fay, { path: '/settings/notifications', arrange });
  const { page } = visit;
  await page.getByRole('button', { name: 'Notify me on this device' }).click();
  await sees(page.getByRole('button', { name: 'Stop notifying me on this device' }));
  await eve.say(room, 'Look here');
  await page.evaluate((path) => {
    const message = new MessageEvent('message', { data: { palabre: 'open', path } });
    navigator.serviceWorker.dispatchEvent(message);
  }, `/c/${room.id}/1`);
  await sees(log(page));
  await sees(message(page, 'Look here'));
  await visit.goto('/settings/notifications');
  await page.getByRole('button', { name: 'Stop notifying me on this device' }).click();
  await sees(page.getByRole('button', { name: 'Notify me on this device' }));
  await seesNot(page.getByRole('list', { name: 'Devices that are notified' }));
  await visit.close();

  const without = await town().visit(fay, {
    path: '/settings/notifications',
    before: () => Reflect.deleteProperty(window, 'PushManager'),
  });
  await sees(without.page.getByText('This browser cannot notify you while the page is closed.'));
  await without.close();
});
