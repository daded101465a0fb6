// Being told on this device while no page is open: how a browser subscribes, and how that is kept up.
import type { Core } from './core.js';
import type { PushDevice } from './wire.js';

/** The part of a browser's `PushManager` that is needed. */
export interface Subscriber {
  subscribe(options: {
    userVisibleOnly: boolean;
    applicationServerKey: Uint8Array<ArrayBuffer>;
  }): Promise<Subscription>;
  getSubscription(): Promise<Subscription | null>;
}

/** The part of a browser's `PushSubscription` that is needed. */
export interface Subscription {
  readonly options?: { readonly applicationServerKey: ArrayBuffer | null };
  toJSON(): { endpoint?: string; keys?: Record<string, string> };
  unsubscribe(): Promise<boolean>;
}

export interface PushWishes {
  /** The language in which the device tells: a tag such as `fr`. */
  readonly language: string;
  /** Whether it shows what messages say. */
  readonly text: boolean;
}

/**
 * Has the person told on this device from now on; to be called again whenever a page begins, as browsers may forget or
 * change a subscription. Needs the permission to notify. `null` if the server tells nobody.
 */
export async function subscribePush(
  client: Pick<Core, 'command'>,
  browser: Subscriber,
  { language, text }: PushWishes,
): Promise<PushDevice | null> {
  const { key } = await client.command('push_device.list', {});
  if (key === null) return null;
  const wanted = bytesOf(key);
  const known = await browser.getSubscription();
  // The server's secret was changed: what was subscribed for the old key it cannot use.
  const isStale = known !== null && !isFor(known, wanted);
  if (isStale) await known.unsubscribe();
  const subscription =
    known === null || isStale
      ? await browser.subscribe({ userVisibleOnly: true, applicationServerKey: wanted })
      : known;
  const { endpoint = '', keys = {} } = subscription.toJSON();
  const { p256dh = '', auth = '' } = keys;
  return client.command('push_device.add', { endpoint, keys: { p256dh, auth }, language, text });
}

/** Whether a subscription is for this key, as far as the browser tells. */
function isFor({ options }: Subscription, wanted: Uint8Array): boolean {
  const key = options?.applicationServerKey;
  if (!key) return true;
  const bytes = new Uint8Array(key);
  return bytes.length === wanted.length && bytes.every((byte, at) => byte === wanted[at]);
}

/** The bytes of a key in base64url. */
function bytesOf(key: string): Uint8Array<ArrayBuffer> {
  const text = atob(key.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
