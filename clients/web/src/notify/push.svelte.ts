// Being told on this device while no page is open. Loaded by those who are, and by the settings.
import { subscribePush, type PushedMessage } from '@palabre/sdk';
import { at } from '../base';
import { currentLanguage } from '../i18n.svelte';
import { keep, kept } from '../kept';
import { go } from '../route.svelte';
import { client, town } from '../town/town.svelte';
import { Over, type Noted } from './over';

/** The id of this device, as long as one is told on it. */
const KEPT = 'push';
/** Whether it shows what messages say; they are shown unless it says `no`. */
const KEPT_TEXT = 'push.text';

export type Support = 'yes' | 'no' | 'home screen';

/** Whether this browser can tell; an iPhone or iPad only where the page was put on the home screen. */
export function pushSupport(): Support {
  if ('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window) return 'yes';
  return /iPhone|iPad|Macintosh.*Mobile/.test(navigator.userAgent) ? 'home screen' : 'no';
}

let device = $state<number | null>(Number(kept(KEPT)) || null);

/** The id of this device among those on which one is told; null if one is not told here. */
export function thisDevice(): number | null {
  return device;
}

/** Whether this device shows what messages say. */
export function showsText(): boolean {
  return kept(KEPT_TEXT) !== 'no';
}

function remember(id: number | null): void {
  device = id;
  keep(KEPT, id === null ? null : String(id));
}

let last: Promise<unknown> = Promise.resolve();

/** One change after the other: what keeps it up on coming in must not undo that it is turned off meanwhile. */
function inTurn<T>(change: () => Promise<T>): Promise<T> {
  const done = last.then(change);
  last = done.catch(() => undefined);
  return done;
}

/** Tells on this device from now on, after asking the browser's permission; false if the browser refused. */
export function turnOnPush(text: boolean): Promise<boolean> {
  return inTurn(() => begin(text));
}

/** Tells on this device no longer. */
export function turnOffPush(): Promise<void> {
  return inTurn(end);
}

async function begin(text: boolean): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false;
  keep(KEPT_TEXT, text ? null : 'no');
  const registration = await register();
  const wishes = { language: currentLanguage(), text };
  const added = await subscribePush(client, registration.pushManager, wishes);
  remember(added?.id ?? null);
  watch();
  return true;
}

async function end(): Promise<void> {
  const id = device;
  await forget();
  if (id !== null) await client.command('push_device.remove', { device: id });
}

/** Forgets that one was told here: it was turned off elsewhere, or one has logged out. */
async function forget(): Promise<void> {
  remember(null);
  const registration = await navigator.serviceWorker.getRegistration(at('/'));
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
  await registration?.unregister();
  await navigator.clearAppBadge?.().catch(() => undefined);
}

/** What of Trusted Types is needed; not every browser has them. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: () => string },
  ): { createScriptURL(of: string): unknown };
}

/** The one address from which a worker may come; the Content-Security-Policy knows this policy by its name. */
const policy = (window as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('palabre-worker', {
  createScriptURL: () => at('/sw.js'),
});

async function register(): Promise<ServiceWorkerRegistration> {
  const script = (policy?.createScriptURL('') ?? at('/sw.js')) as string;
  await navigator.serviceWorker.register(script, { scope: at('/'), updateViaCache: 'none' });
  return navigator.serviceWorker.ready;
}

let isWatching = false;

/** Closes what is read, as long as the page is open. */
function watch(): void {
  if (isWatching) return;
  isWatching = true;
  $effect.root(() => {
    $effect(closeWhatIsRead);
  });
}

/** Keeps up what was turned on: to be called whenever there is a line. */
export function keepUpPush(): void {
  if (device === null) return;
  watch();
  // The page has not heard of messages that were read elsewhere meanwhile.
  over.forget();
  closeWhatIsRead();
  // Another language, another key of the server, another address at the push service: the server is told.
  inTurn(refresh).catch(() => undefined);
}

async function refresh(): Promise<void> {
  if (device === null) return;
  const { devices } = await client.command('push_device.list', {});
  if (!devices.some(({ id }) => id === device)) return forget();
  if (Notification.permission !== 'granted') return end();
  await begin(showsText());
}

/** Asks with the ticket of a push whether its message is read, or not there any more, as the worker does. */
async function isRead(ticket: string): Promise<boolean | null> {
  const response = await fetch(at('/v1/push/open'), {
    method: 'POST',
    credentials: 'omit',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ ticket }),
  }).catch(() => null);
  if (response?.status === 401 || response?.status === 404) return true;
  return response?.ok ? ((await response.json()) as PushedMessage).read : null;
}

async function isDue(conversation: number, seq: number): Promise<boolean | null> {
  const answer = await client.command('reminder.list', { due: true }).catch(() => null);
  return answer && answer.reminders.some((one) => one.conversation === conversation && one.seq === seq);
}

const over = new Over({ isRead, isDue });

/** Closes the notifications of what is read by now, and counts on the icon what is not. */
async function closeRead(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration(at('/'));
  for (const shown of (await registration?.getNotifications()) ?? []) {
    const known = town.conversations.get(Number(/^palabre-(\d+)$/.exec(shown.tag)?.[1]));
    if (known && (await over.isOver(shown.data as Noted, known, town.state))) shown.close();
  }
  const unread = [...town.conversations.values()].filter((known) => known.unread > 0).length;
  await (unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.())?.catch(() => undefined);
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Looks, a moment after something has changed, whether there is something to close. An effect. */
function closeWhatIsRead(): void {
  void [town.conversations, town.state.followed, town.state.reminderSeq];
  if (device === null || timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    closeRead().catch(() => undefined);
  }, 2_000);
}

navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  const said = data as { palabre?: unknown; path?: unknown } | null;
  if (said?.palabre === 'open' && typeof said.path === 'string') go(said.path);
});
client.on('signedOut', () => void (device !== null && inTurn(forget).catch(() => undefined)));
