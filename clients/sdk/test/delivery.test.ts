// Exactly once and in order, whatever happens to the line and to the server.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientFor, join, PASSWORD, texts, until, wire, type Somebody } from './help/people.js';
import { TestServer } from './help/server.js';

let server: TestServer;
let [ann, bob]: Somebody[] = [];
let room = 0;
beforeAll(async () => {
  server = await TestServer.start();
  ann = await join(server.url, 'ann');
  bob = await join(server.url, 'bob');
  const made = await ann.client.command('conversation.create', { kind: 'group', members: [bob.id] });
  room = made.id;
  await Promise.all(
    [ann, bob].map(async ({ client }) => {
      await until(client, (state) => state.conversations.has(room), 'the group is there');
      await client.open(room);
    }),
  );
});
afterAll(async () => {
  for (const one of [ann, bob]) one?.client.disconnect();
  await server.stop();
});

function two(): [Somebody, Somebody] {
  if (!ann || !bob) throw new Error('they have not come');
  return [ann, bob];
}

const words = (from: string, count: number) => Array.from({ length: count }, (_none, at) => `${from} ${at}`);

test('at every moment a message is shown once: as pending or as itself', async () => {
  const [{ client }] = two();
  const seen: number[] = [];
  const stop = client.subscribe((state) => {
    const it = state.conversations.get(room);
    const pending = it?.pending.filter((one) => one.text === 'once').length ?? 0;
    const real = it?.timeline?.messages.filter((one) => one.text === 'once').length ?? 0;
    seen.push(pending + real);
  });
  client.send(room, 'once');
  await until(client, () => texts(client, room).includes('once'), 'it has come');
  stop();
  expect(new Set(seen)).toEqual(new Set([1]));
});

test('what is written while cut off is sent once, in order, when the line is back', async () => {
  const [one, other] = two();
  one.wire.up = false;
  one.wire.cut();
  await until(one.client, (state) => state.line === 'waiting', 'the line waits');
  const written = words('offline', 5);
  for (const text of written) one.client.send(room, text);
  expect(one.client.state.conversations.get(room)?.pending).toHaveLength(5);
  one.wire.up = true;
  one.client.reconnectNow();
  await until(other.client, () => texts(other.client, room).at(-1) === written.at(-1), 'bob has heard all');
  expect(texts(other.client, room).slice(-5)).toEqual(written);
  await until(
    one.client,
    (state) => state.conversations.get(room)?.pending.length === 0,
    'nothing is pending',
  );
});

test('a line that is cut again and again sends everything once and in order', async () => {
  const [one, other] = two();
  const written = words('shaky', 60);
  for (const text of written) {
    one.client.send(room, text);
    if (Math.random() < 0.2) one.wire.cut();
    one.client.reconnectNow();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const kept = () => texts(other.client, room).filter((text) => text?.startsWith('shaky'));
  const hurry = setInterval(() => one.client.reconnectNow(), 50);
  await until(other.client, () => kept().length >= written.length, 'bob has heard all');
  clearInterval(hurry);
  expect(kept()).toEqual(written);
});

test('what is too large for the wire fails at once, and holds up nothing', async () => {
  const [{ client }] = two();
  const large = client.send(room, 'é'.repeat(40_000));
  const next = client.send(room, 'after the large one');
  await expect(client.delivered(large)).rejects.toMatchObject({ code: 'too_large', status: 413 });
  await client.delivered(next);
  client.discard(large);
});

test('a reload keeps what was written while cut off', async () => {
  const [one, other] = two();
  one.wire.up = false;
  one.wire.cut();
  one.client.send(room, 'before the reload');
  one.client.disconnect();
  const again = clientFor(server.url, { storage: one.storage });
  expect(again.signedIn).toBe(true);
  again.connect();
  await until(again, (state) => state.ready && state.outbox.size === 0, 'nothing is pending');
  await until(
    other.client,
    () => texts(other.client, room).at(-1) === 'before the reload',
    'bob has heard it',
  );
  again.disconnect();
  one.wire.up = true;
  one.client.connect();
  await until(one.client, (state) => state.line === 'online', 'ann is back');
  await until(one.client, () => texts(one.client, room).at(-1) === 'before the reload', 'ann sees it');
  expect(texts(one.client, room).filter((text) => text === 'before the reload')).toHaveLength(1);
});

test(
  'a server that is killed between send and answer has every message once, in order',
  { timeout: 40_000 },
  async () => {
    const [one, other] = two();
    const written: string[] = [];
    const pending = () => one.client.state.conversations.get(room)?.pending.length ?? 0;
    for (let kills = 0; kills < 4; kills += 1) {
      for (const text of words(`killed ${kills}`, 20)) {
        written.push(text);
        one.client.send(room, text);
      }
      await until(one.client, () => pending() <= 20 - kills * 5, 'some have arrived');
      await server.kill();
      expect(pending()).toBeGreaterThan(0);
      await server.restart();
      one.client.reconnectNow();
      other.client.reconnectNow();
      await until(one.client, () => pending() === 0, 'nothing is pending');
    }
    const kept = () => texts(other.client, room).filter((text) => text?.startsWith('killed'));
    await until(other.client, () => kept().length >= written.length, 'bob has heard all', 20_000);
    expect(kept()).toEqual(written);
    await until(
      one.client,
      (state) => state.conversations.get(room)?.pending.length === 0,
      'nothing is pending',
    );
    expect(texts(one.client, room)).toEqual(texts(other.client, room));
  },
);

test('a fresh client of another device sees the same', async () => {
  const [one] = two();
  const client = clientFor(server.url, { WebSocket: wire().WebSocket });
  await client.logIn({ username: 'ann', password: PASSWORD });
  client.connect();
  await client.open(room);
  const shown = texts(client, room);
  expect(texts(one.client, room).slice(-shown.length)).toEqual(shown);
  client.disconnect();
});
