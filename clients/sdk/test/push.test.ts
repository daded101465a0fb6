// How a browser subscribes for pushes: once for the server's key, again when that is another one, and the server is told
// each time a page begins.
import { expect, test } from 'vitest';
import { subscribePush, type Core, type Subscriber, type Subscription } from '../src/index.js';

const KEY = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

/** A server with this key that notes what it is told. */
function server(key: string | null) {
  const told: unknown[] = [];
  const command = async (type: string, data: unknown) => {
    if (type === 'push_device.list') return { devices: [], key };
    told.push(data);
    return { id: told.length };
  };
  return { client: { command } as unknown as Pick<Core, 'command'>, told };
}

/** A browser that may have subscribed for some key. */
function browser(known: Uint8Array<ArrayBuffer> | null) {
  const did: string[] = [];
  let subscribed = known;
  const subscription = (): Subscription => ({
    options: { applicationServerKey: subscribed?.buffer ?? null },
    toJSON: () => ({ endpoint: 'https://push.example.org/a', keys: { p256dh: 'BCVx', auth: 'BTBZ' } }),
    unsubscribe: async () => {
      did.push('unsubscribes');
      return (subscribed = null) === null;
    },
  });
  const manager: Subscriber = {
    subscribe: async ({ userVisibleOnly, applicationServerKey }) => {
      did.push(`subscribes ${userVisibleOnly} ${applicationServerKey.length}`);
      subscribed = applicationServerKey;
      return subscription();
    },
    getSubscription: async () => (subscribed ? subscription() : null),
  };
  return { manager, did };
}

const wishes = { language: 'fr', text: false };
const bytes = (key: string) => new Uint8Array(Buffer.from(key, 'base64url')) as Uint8Array<ArrayBuffer>;

test('a browser subscribes for the key of the server, and the server is told', async () => {
  const [{ client, told }, { manager, did }] = [server(KEY), browser(null)];
  expect(await subscribePush(client, manager, wishes)).toEqual({ id: 1 });
  expect(did).toEqual(['subscribes true 65']);
  const keys = { p256dh: 'BCVx', auth: 'BTBZ' };
  expect(told).toEqual([{ endpoint: 'https://push.example.org/a', keys, ...wishes }]);
});

test('what is subscribed is kept, and told again', async () => {
  const [{ client, told }, { manager, did }] = [server(KEY), browser(bytes(KEY))];
  await subscribePush(client, manager, wishes);
  expect([did, told.length]).toEqual([[], 1]);
});

test('what was subscribed for another key is subscribed anew', async () => {
  const other = bytes(KEY);
  other[64] = 1;
  const [{ client }, { manager, did }] = [server(KEY), browser(other)];
  await subscribePush(client, manager, wishes);
  expect(did).toEqual(['unsubscribes', 'subscribes true 65']);
});

test('where the server tells nobody, nothing is subscribed', async () => {
  const [{ client, told }, { manager, did }] = [server(null), browser(null)];
  expect(await subscribePush(client, manager, wishes)).toBeNull();
  expect([did, told]).toEqual([[], []]);
});
