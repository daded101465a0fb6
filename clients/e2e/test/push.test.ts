// Being told while the page is out of sight: by the real worker and with real notifications. Only the push service is
// ours, as no other can be reached; what it is sent is given to the worker as the browser would.
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { expectAccessibleEverywhere } from '../town/axe';
import { becomes, log, message, sees, seesNot } from '../town/look';
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
}

/** The notifications that the browser shows now: title and text. */
const shown = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration('/');
    const all = (await registration?.getNotifications()) ?? [];
    return all.map(({ title, body }) => `${title}: ${body}`);
  });

/** Nobody looks at the page any more. */
const turnsAway = (page: Page) => page.context().newPage();

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

  const elsewhere = await turnsAway(page);
  const cdp = await visit.context.newCDPSession(page);
  await ann.say(room, 'The **lime** tree is dry');
  const told = await service.tells();
  expect(told).not.toMatch(/lime|ann|Garden/i);
  await delivers(page, cdp, told);
  await becomes(() => shown(page), ['ann · Garden: The lime tree is dry']);

  // Read here, it is closed.
  await elsewhere.close();
  await page.bringToFront();
  await visit.goto(`/c/${room.id}`);
  await sees(message(page, 'The lime tree is dry'));
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
