// A client against a real server: sessions that are refreshed, ended and shared, lines that are silent, people, markers.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Client, memoryStorage, type KeyValue, type Refusal } from '../src/index.js';
import { closeReason } from '../src/socket.js';
import { clientFor, join, PASSWORD, texts, until, wire } from './help/people.js';
import { TestServer } from './help/server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ PALABRE_AUTH__ACCESS_MINUTES: '1' });
});
afterAll(() => server.stop());

/** A storage that two tabs share. */
function shared(): () => KeyValue {
  const values = memoryStorage();
  const tabs = new Set<(key: string | null) => void>();
  return () => {
    let own: (key: string | null) => void = () => undefined;
    const told = (key: string) => tabs.forEach((changed) => changed !== own && changed(key));
    return {
      getItem: (key) => values.getItem(key),
      setItem: (key, value) => (values.setItem(key, value), told(key)),
      removeItem: (key) => (values.removeItem(key), told(key)),
      watch: (changed) => (tabs.add((own = changed)), () => void tabs.delete(changed)),
    };
  };
}

test('an access token that has expired is refreshed by itself, once for all who need it', async () => {
  let ahead = 0;
  const refreshes: string[] = [];
  const counted: typeof fetch = (input, init) => {
    if (String(input).endsWith('/refresh')) refreshes.push(String(input));
    return fetch(input, init);
  };
  const { client } = await join(server.url, 'renee', { now: () => Date.now() + ahead, fetch: counted });
  client.disconnect();
  ahead = 59_000;
  await Promise.all(Array.from({ length: 5 }, () => client.command('account.get', {})));
  expect(refreshes).toHaveLength(1);
  ahead += 120_000;
  client.connect();
  await until(client, (state) => state.line === 'online', 'the line is there');
  expect(refreshes).toHaveLength(2);
  client.disconnect();
});

test('a token that the server refuses is refreshed, over REST and on the socket', async () => {
  const storage = memoryStorage();
  const first = clientFor(server.url, { storage });
  await first.register({ username: 'vera', password: PASSWORD });
  const spoil = () => {
    const kept = JSON.parse(storage.getItem('palabre.session') ?? '') as { access: string };
    storage.setItem(
      'palabre.session',
      JSON.stringify({ ...kept, access: `${kept.access.slice(0, -4)}AAAA` }),
    );
    return clientFor(server.url, { storage });
  };
  expect((await spoil().command('account.get', {})).username).toBe('vera');
  const client = spoil();
  client.connect();
  await until(client, (state) => state.ready, 'the list is read');
  client.disconnect();
});

test('a log-out in one tab logs out the other, and the server closes its line', async () => {
  const storage = shared();
  const one = await join(server.url, 'tabea', { storage: storage() });
  const two = clientFor(server.url, { storage: storage() });
  expect(two.signedIn).toBe(true);
  two.connect();
  await until(two, (state) => state.ready, 'the second tab is ready');
  const out = vi.fn();
  two.on('signedOut', out);
  await one.client.logOut();
  await until(two, (state) => state.line === 'over', 'the line of the second tab is over');
  expect(out).toHaveBeenCalledTimes(1);
  expect(two.signedIn).toBe(false);
  expect(two.state.me).toBeNull();
  expect(two.state.conversations.size).toBe(0);
});

test('when somebody else logs in in another tab, this one is signed out and their session stays', async () => {
  const storage = shared();
  const { client } = await join(server.url, 'xenia', { storage: storage() });
  const out = vi.fn();
  client.on('signedOut', out);
  const other = clientFor(server.url, { storage: storage() });
  await other.register({ username: 'yvonne', password: PASSWORD });
  expect(out).toHaveBeenCalledTimes(1);
  expect(client.state.line).toBe('over');
  expect(client.state.me).toBeNull();
  expect((await other.command('account.get', {})).username).toBe('yvonne');
  expect(clientFor(server.url, { storage: storage() }).signedIn).toBe(true);
});

test('a session that is ended elsewhere is over: the client does not come back', async () => {
  const { client } = await join(server.url, 'ursula');
  const other = clientFor(server.url);
  await other.logIn({ username: 'ursula', password: PASSWORD });
  const { sessions } = await other.command('session.list', {});
  const foreign = sessions.find((session) => !session.current);
  const out = vi.fn();
  client.on('signedOut', out);
  await other.command('session.end', { session: foreign?.id ?? 0 });
  await until(client, (state) => state.line === 'over', 'the line is over');
  expect(client.state.ended).toBe('session_ended');
  expect(client.signedIn).toBe(false);
  expect(out).toHaveBeenCalledTimes(1);
});

test('a refusal is thrown alike, with and without a line', async () => {
  const { client } = await join(server.url, 'frida');
  const wrong = () =>
    client.command('conversation.get', { conversation: 999 }).catch((error: Refusal) => error.code);
  expect(await wrong()).toBe('not_found');
  client.disconnect();
  expect(await wrong()).toBe('not_found');
});

test('without a WebSocket the error says what to do', async () => {
  const client = new Client({ url: server.url, storage: memoryStorage() });
  await client.register({ username: 'norma', password: PASSWORD });
  vi.stubGlobal('WebSocket', undefined);
  try {
    expect(() => client.connect()).toThrow('give one as the option `WebSocket`');
  } finally {
    vi.unstubAllGlobals();
  }
});

test('a silent line is given up and opened again', async () => {
  const { client, wire: line } = await join(server.url, 'silvia');
  line.mute();
  client.reconnectNow();
  await until(client, (state) => state.line !== 'online', 'the silence is noticed', 8_000);
  client.reconnectNow();
  await until(client, (state) => state.line === 'online', 'the line is there again');
  client.disconnect();
});

test('others see reading and typing; profiles are loaded at once', async () => {
  const [ann, bob] = await Promise.all([join(server.url, 'anna'), join(server.url, 'bobo')]);
  const { id } = await ann.client.command('conversation.create', { kind: 'direct', user: bob.id });
  await ann.client.delivered(ann.client.send(id, 'one'));
  await ann.client.delivered(ann.client.send(id, 'two'));
  await Promise.all([ann.client.open(id), bob.client.open(id)]);
  const unread = () => bob.client.state.conversations.get(id)?.unread;
  await until(bob.client, () => unread() === 2, 'two are unread');
  const last = bob.client.state.conversations.get(id)?.lastMessage?.seq ?? 0;
  bob.client.markRead(id, last);
  expect(unread()).toBe(0);
  const marker = () => ann.client.state.conversations.get(id)?.markers.get(bob.id)?.read_seq;
  await until(ann.client, () => marker() === last, 'ann sees that bob has read');

  bob.client.typing(id, true);
  const writing = () => ann.client.state.conversations.get(id)?.typing.has(bob.id);
  await until(ann.client, () => writing() === true, 'ann sees that bob writes');
  bob.client.typing(id, false);
  await until(ann.client, () => writing() === false, 'ann sees that bob has stopped');

  await bob.client.command('account.update', { first_name: 'Bob', last_name: 'Ross' });
  ann.client.loadPeople([ann.id, bob.id, bob.id]);
  await until(ann.client, (state) => !!state.people.get(bob.id)?.user, 'the profile is there');
  expect(ann.client.shownName({ id: bob.id, username: 'bobo' })).toBe('Bob Ross');

  await bob.client.setPresence('busy');
  const shown = () => ann.client.state.conversations.get(id)?.peer?.presence;
  await until(ann.client, () => shown() === 'busy', 'ann sees that bob is busy');
  bob.wire.cut();
  await until(ann.client, () => shown() === 'busy', 'bob is busy again after coming back');
  for (const { client } of [ann, bob]) client.disconnect();
});

test('who is in no conversation sees their own presence all the same', async () => {
  const { client, id } = await join(server.url, 'solo');
  await client.setPresence('busy');
  expect(client.state.people.get(id)?.presence).toBe('busy');
  client.disconnect();
});

test('history is read at both ends, around a message and to the latest', async () => {
  const { client } = await join(server.url, 'hilde', { pageSize: 10, windowSize: 25 });
  const { id } = await client.command('conversation.create', { kind: 'room', name: 'archive' });
  const all = Array.from({ length: 60 }, (_none, at) => `line ${at}`);
  for (const text of all) client.send(id, text);
  await until(client, (state) => state.conversations.get(id)?.pending.length === 0, 'all are sent');
  const asked: string[] = [];
  client.on('frame', ({ text }) => text.includes('message.history') && asked.push(text));
  await Promise.all([client.open(id), client.open(id)]);
  await client.open(id);
  expect(asked).toHaveLength(1);
  expect(texts(client, id)).toEqual(all.slice(-10));
  await client.loadBefore(id);
  await Promise.all([client.loadBefore(id), client.loadBefore(id)]);
  expect(texts(client, id)).toEqual(all.slice(30, 55));
  await client.loadAfter(id);
  expect(texts(client, id)).toEqual(all.slice(35));
  const first = await client.command('message.history', { conversation: id, after_seq: 1, limit: 1 });
  await client.open(id, { around: (first.messages[0]?.seq ?? 0) + 20 });
  expect(texts(client, id)).toContain('line 20');
  await client.jumpToLatest(id);
  expect(texts(client, id)).toEqual(all.slice(-10));
  client.disconnect();
});

test('subscribers are called once for many changes, and each state is another object', async () => {
  const { client } = await join(server.url, 'olga');
  const calls: boolean[] = [];
  client.subscribe((state, before) => calls.push(state !== before));
  const { id } = await client.command('conversation.create', { kind: 'room', name: 'batch' });
  await until(client, (state) => state.conversations.has(id), 'the room is there');
  calls.length = 0;
  for (let at = 0; at < 20; at += 1) client.send(id, `${at}`);
  await Promise.resolve();
  expect(calls).toEqual([true]);
  client.disconnect();
});

test('what the wire shows has no secrets', async () => {
  const lines: string[] = [];
  const client = clientFor(server.url, { WebSocket: wire().WebSocket });
  client.on('frame', ({ text }) => lines.push(text));
  await client.register({ username: 'wanda', password: PASSWORD });
  client.connect();
  await until(client, (state) => state.ready, 'ready');
  await client
    .command('account.password', { current: PASSWORD, new: 'another horse battery' })
    .catch(() => undefined);
  const all = lines.join('\n');
  expect(all).toContain('"authenticate"');
  expect(all).not.toContain('eyJ');
  expect(all).not.toContain('horse');
  client.disconnect();
});

test.each([
  [1006, '', { code: 'broken', retry: true, retryAfterMs: 0 }],
  [
    1012,
    '{"code":"restart","retry":true,"retry_after_ms":900}',
    { code: 'restart', retry: true, retryAfterMs: 900 },
  ],
  [4008, '{"code":"slow_consumer","retry":true}', { code: 'slow_consumer', retry: true, retryAfterMs: 0 }],
  [4504, '', { code: 'closed_4504', retry: false, retryAfterMs: 0 }],
  [4501, '{"code":"session_ended","retry":false}', { code: 'session_ended', retry: false, retryAfterMs: 0 }],
])('close code %i %s', (code, reason, wanted) => {
  expect(closeReason(code, reason)).toEqual(wanted);
});
