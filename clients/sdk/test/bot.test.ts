// Bots against a real server: they come in on every run, and are told everything once, whatever breaks.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Bot, memoryStorage, type KeyValue, type Message } from '../src/index.js';
import { fileStorage } from '../src/node.js';
import { chance, join, PASSWORD, until, wire, type Somebody } from './help/people.js';
import { TestServer } from './help/server.js';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  // Few enough that catching up often ends in a reset, and small enough that there are often several pieces.
  server = await TestServer.start({
    PALABRE_LIMITS__CATCH_UP: '15',
    PALABRE_LIMITS__CATCH_UP_BYTES: '1500',
  });
  folder = mkdtempSync(path(tmpdir(), 'palabre-bot-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const botFor = (storage: KeyValue, line = wire()) =>
  new Bot({ url: server.url, storage, WebSocket: line.WebSocket });

test('it enters on every run: opens its account, goes on with its session, logs in again', async () => {
  const file = path(folder, 'enters.json');
  const first = botFor(fileStorage(file));
  const { id } = await first.enter({ username: 'enters', password: PASSWORD });
  const sessions = async (bot: Bot) => (await bot.command('session.list', {})).sessions.length;
  const second = botFor(fileStorage(file));
  expect((await second.enter({ username: 'Enters', password: PASSWORD })).id).toBe(id);
  expect(await sessions(second)).toBe(1);
  const elsewhere = botFor(memoryStorage());
  expect((await elsewhere.enter({ username: 'enters', password: PASSWORD })).id).toBe(id);
  for (const { id: session, current } of (await elsewhere.command('session.list', {})).sessions)
    if (!current) await elsewhere.command('session.end', { session });
  expect((await botFor(fileStorage(file)).enter({ username: 'enters', password: PASSWORD })).id).toBe(id);
  const wrong = botFor(memoryStorage()).enter({ username: 'enters', password: 'another horse battery' });
  await expect(wrong).rejects.toMatchObject({ code: 'bad_credentials' });
});

test('who has another account in the storage enters as who was asked for', async () => {
  const storage = memoryStorage();
  await botFor(storage).enter({ username: 'before', password: PASSWORD });
  const bot = botFor(storage);
  expect((await bot.enter({ username: 'after', password: PASSWORD })).username).toBe('after');
});

test('the file of a storage is for its user only, and a damaged one is an error', () => {
  const file = path(folder, 'kept.json');
  const storage = fileStorage(file);
  storage.setItem('a', 'b');
  storage.setItem('c', 'd');
  storage.removeItem('a');
  expect(fileStorage(file).getItem('c')).toBe('d');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ c: 'd' });
  expect(statSync(file).mode & 0o077).toBe(0);
  writeFileSync(file, '{"c":');
  expect(() => fileStorage(file)).toThrow('is not a file of this storage');
  expect(() => fileStorage(path(folder, 'nowhere', 'kept.json'))).toThrow('ENOENT');
});

test('an answer with a client id of its own is said once, however often it is given', async () => {
  const [ann, storage] = [await join(server.url, 'asks'), memoryStorage()];
  const { id } = await ann.client.command('conversation.create', { kind: 'group', members: [] });
  const line = wire();
  const bot = botFor(storage, line);
  const me = await bot.enter({ username: 'answers', password: PASSWORD });
  await ann.client.command('member.add', { conversation: id, user: me.id });
  bot.connect();
  await until(bot, (state) => state.conversations.has(id), 'the bot is in the group');
  const answer = () => bot.delivered(bot.send(id, 'yes', { clientId: 'answer-7' }));
  await Promise.all([answer(), answer()]);
  await answer();
  const { messages } = await ann.client.command('message.history', { conversation: id });
  expect(messages.map(({ text }) => text)).toEqual(['yes']);
  bot.dispose();
  ann.client.dispose();
});

test('brought into a direct conversation while it does not run, it hears what was said there', async () => {
  const [ann, storage] = [await join(server.url, 'writes'), memoryStorage()];
  const first = botFor(storage);
  const me = await first.enter({ username: 'hears', password: PASSWORD });
  first.messages();
  first.connect();
  await until(first, (state) => state.ready, 'the bot is ready');
  first.dispose();
  const { id } = await ann.client.command('conversation.create', { kind: 'direct', user: me.id });
  for (const text of ['one', 'two']) await ann.client.delivered(ann.client.send(id, text));
  const second = botFor(storage);
  const messages = second.messages();
  second.connect();
  for (const text of ['one', 'two']) expect((await messages.next()).value?.text).toBe(text);
  second.dispose();
  expect((await messages.next()).done).toBe(true);
  ann.client.dispose();
});

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const STEPS = 25 * Number(process.env.ROUNDS ?? 12);

test(
  `nothing is lost and nothing doubled, whatever breaks (SEED=${SEED})`,
  { timeout: 120_000 },
  async () => {
    const random = chance(SEED);
    const people: Somebody[] = [await join(server.url, 'talks'), await join(server.url, 'chats')];
    const [storage, line] = [memoryStorage(), wire()];
    let bot = botFor(storage, line);
    const me = await bot.enter({ username: 'listens', password: PASSWORD });
    const told: Message[] = [];
    let repeats = 0;

    const run = async (): Promise<void> => {
      bot = botFor(storage, line);
      const [mine, messages] = [bot, bot.messages()];
      void (async () => {
        for await (const message of messages) {
          told.push(message);
          if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 20));
          if (mine !== bot) return;
        }
      })();
      bot.connect();
      await until(bot, (state) => state.ready, 'the bot is ready');
    };
    await run();

    const rooms: number[] = [];
    const made = async () => {
      const someone = people[Math.floor(random() * 2)]?.client;
      const room = await someone?.command('conversation.create', { kind: 'group', members: [me.id] });
      if (room) rooms.push(room.id);
    };
    await made();
    const clients = () => [...people.map(({ client }) => client), bot];
    let said = 0;
    const pick = () => people[Math.floor(random() * 2)];
    const deeds: readonly (readonly [number, () => unknown])[] = [
      [
        60,
        () => {
          const { client } = pick() ?? {};
          const mine = rooms.filter((id) => client?.state.conversations.has(id));
          const room = mine[Math.floor(random() * mine.length)];
          if (room) for (let many = random() * 4; many > 0; many -= 1) client?.send(room, `${(said += 1)}`);
        },
      ],
      [5, () => line.cut()],
      [2, () => ((line.up = false), line.cut())],
      [2, () => pick()?.wire.cut()],
      [3, () => (rooms.length < 12 ? made().catch(() => undefined) : undefined)],
      [
        2,
        async () => {
          repeats += 1;
          const dead = bot;
          line.up = true;
          await run();
          dead.dispose();
        },
      ],
      [
        0.7,
        async () => {
          await server.kill();
          await server.restart();
          for (const client of clients()) client.reconnectNow();
        },
      ],
    ];
    const all = deeds.reduce((sum, [weight]) => sum + weight, 0);
    for (let step = 0; step < STEPS; step += 1) {
      let at = random() * all;
      const deed = deeds.find(([weight]) => (at -= weight) < 0)?.[1];
      await deed?.();
      if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 30));
      if (random() < 0.3) line.up = true;
    }
    line.up = true;
    const hurry = setInterval(() => clients().forEach((client) => client.reconnectNow()), 100);
    for (const { client } of people)
      await until(client, (state) => [...state.outbox.values()].flat().length === 0, 'all is said', 60_000);
    const distinct = () => new Set(told.map(({ id }) => id)).size;
    await vi.waitFor(() => expect(distinct()).toBe(said), { timeout: 60_000, interval: 50 });
    clearInterval(hurry);
    expect(told.length - distinct()).toBeLessThanOrEqual(repeats);
    for (const room of rooms) {
      const order = [
        ...new Set(told.filter(({ conversation }) => conversation === room).map(({ id }) => id)),
      ];
      expect(order).toEqual([...order].sort((one, other) => one - other));
    }
    for (const client of clients()) client.dispose();
  },
);
