// The notices for the person: each unread message once, live or after a gap, and not what is read elsewhere.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { memoryStorage, type Changes, type Conversation, type KeyValue, type Message } from '../src/index.js';
import { at, authenticated, conversation, deleted, history, message, Story } from './help/made.js';
import { Scripted } from './help/scripted.js';

const tell = { type: 'tell', now: 0 } as const;
const listed = { type: 'listed', ids: new Set([1]) } as const;

/** Ann is in the kitchen, whose list she has read. */
const kitchen = (head: number, change: Partial<Conversation> = {}) => Story.at(head, change).take(listed);

const rows = (row: Conversation) => ({ type: 'rows', rows: [row], shown: true }) as const;

const changes = (from: number, to: number, messages: readonly Message[], change: Partial<Changes> = {}) =>
  ({
    type: 'changes',
    conversation: 1,
    changes: {
      from,
      to,
      reset: false,
      threads: [],
      more: false,
      conversation: conversation(to),
      members: [],
      messages,
      ...change,
    },
  }) as const;

/** She comes back after a cut. */
const back = (head: number, cursor: number) =>
  [
    { type: 'cut' },
    { type: 'authenticated', data: authenticated([[1, head]]), sent: at({ 1: cursor }) },
  ] as const;

const marker = (read_seq: number) =>
  ({
    type: 'marker',
    conversation: 1,
    marker: { user: 1, read_seq, delivered_seq: read_seq, read_at: null },
  }) as const;

const seqs = (story: Story) => story.notices.map(({ messages }) => messages.map(({ seq }) => seq));

describe('live', () => {
  test('a message is told of once, after it has waited', () => {
    const story = kitchen(3).hear('message.created', message(4)).take(tell);
    expect(story.notices).toEqual([]);
    story.take(tell, tell, tell);
    expect(story.notices).toEqual([{ conversation: 1, messages: [message(4)], count: 1, missed: false }]);
    expect(story.state.telling.waiting.size).toBe(0);
  });

  test('what comes while one waits is told of together', () => {
    const story = kitchen(3).hear('message.created', message(4)).take(tell);
    story.hear('message.created', message(5)).take(tell, tell);
    expect(seqs(story)).toEqual([[4, 5]]);
  });

  test('what is read meanwhile, here or elsewhere, is not told of', () => {
    const here = kitchen(3)
      .hear('message.created', message(4))
      .take({ type: 'read', conversation: 1, seq: 4 });
    const elsewhere = kitchen(3).hear('message.created', message(4)).take(tell, marker(4));
    for (const story of [here, elsewhere]) expect(story.take(tell, tell).notices).toEqual([]);
  });

  test('the rest waits its own time when the first are read elsewhere', () => {
    const story = kitchen(3).hear('message.created', message(4)).take(tell);
    story.hear('message.created', message(5)).take(marker(4), tell);
    expect(story.notices).toEqual([]);
    story.take(tell);
    expect(seqs(story)).toEqual([[5]]);
  });

  test('what one says oneself is not told of', () => {
    const mine = message(4, { author: { id: 1, username: 'ann' } });
    expect(kitchen(3).hear('message.created', mine).take(tell, tell).notices).toEqual([]);
  });

  test('what is edited is told of as it is then, and what is deleted not at all', () => {
    const story = kitchen(3).hear('message.created', message(4)).hear('message.created', message(5));
    story
      .hear('message.edited', message(4, { rev: 6, text: 'edited' }))
      .hear('message.deleted', deleted(5, 7));
    story.take(tell, tell);
    expect(story.notices).toMatchObject([{ messages: [{ seq: 4, text: 'edited' }], count: 1 }]);
    const all = kitchen(3).hear('message.created', message(4)).hear('message.deleted', deleted(4, 5));
    expect(all.take(tell, tell).notices).toEqual([]);
  });

  test('of many the newest are kept, and all are counted', () => {
    const story = kitchen(0);
    for (let seq = 1; seq <= 50; seq += 1) story.hear('message.created', message(seq));
    story.take(tell, tell);
    expect(story.notices).toMatchObject([{ count: 50 }]);
    expect(seqs(story)[0]).toEqual(Array.from({ length: 20 }, (_none, index) => 31 + index));
  });

  test('a conversation that is left has nothing to tell', () => {
    const story = kitchen(3).hear('message.created', message(4));
    const data = { reason: 'left' } as const;
    story.take({ type: 'frame', frame: { type: 'conversation.removed', conversation: 1, data }, now: 0 });
    expect(story.state.telling.waiting.size).toBe(0);
    expect(story.take(tell, tell).notices).toEqual([]);
  });
});

describe('after a gap', () => {
  test('what was missed is told of once the list is read', () => {
    const story = kitchen(3).take(...back(5, 3), changes(3, 5, [message(4), message(5)]), tell, tell);
    expect(story.notices).toEqual([]);
    story.take(rows(conversation(5, { unread: 2 })), listed, tell, tell, tell);
    expect(story.notices).toEqual([
      { conversation: 1, messages: [message(4), message(5)], count: 2, missed: true },
    ]);
  });

  test('what was read elsewhere during the gap is not told of', () => {
    const story = kitchen(3).take(...back(5, 3), changes(3, 5, [message(4), message(5)]));
    story.take(rows(conversation(5, { read_seq: 4, unread: 1 })), listed, tell, tell);
    expect(seqs(story)).toEqual([[5]]);
  });

  test('what came just before the cut is told of after it', () => {
    const story = kitchen(3)
      .hear('message.created', message(4))
      .take(tell, ...back(4, 4), tell, tell);
    expect(story.notices).toEqual([]);
    expect(seqs(story.take(listed, tell))).toEqual([[4]]);
  });

  test('earlier messages that were only changed in the gap are no news', () => {
    const edited = message(2, { rev: 4, text: 'edited' });
    const story = kitchen(3).take(...back(4, 3), changes(3, 4, [edited]), listed, tell, tell);
    expect(story.notices).toEqual([]);
  });

  test('of a gap that is too long the newest is told of, and the unread ones are counted', () => {
    const story = kitchen(3).take(...back(900, 3), changes(3, 900, [], { reset: true }));
    const row = conversation(900, { unread: 640, last_message: message(900) });
    const read = { row, page: null, members: null, markers: null };
    story.take({ type: 'reread', conversation: 1, read }, listed, tell, tell);
    expect(story.notices).toEqual([{ conversation: 1, messages: [message(900)], count: 640, missed: true }]);
  });

  test('of a conversation that is open, the page that was read is told of as far as it is new', () => {
    const story = kitchen(3).open(history([message(3)], 3));
    story.take(...back(900, 3), changes(3, 900, [], { reset: true }));
    const row = conversation(900, { unread: 2, last_message: message(900) });
    const page = history([message(3), message(899), message(900)], 900);
    story.take({ type: 'reread', conversation: 1, read: { row, page, members: null, markers: null } });
    story.take(listed, tell, tell);
    expect(story.notices).toMatchObject([{ messages: [{ seq: 899 }, { seq: 900 }], count: 2 }]);
  });

  test('a conversation that one came into during the gap is told of; of the first list nothing is', () => {
    const first = conversation(3, { unread: 2, last_message: message(3) });
    const story = Story.at(3, first).take(listed, tell, tell);
    expect(story.notices).toEqual([]);
    const heads = [
      [1, 3],
      [2, 2],
    ] as const;
    story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated(heads), sent: at({ 1: 3 }) });
    const hi = message(2, { conversation: 2 });
    const other = conversation(2, { id: 2, unread: 1, last_message: hi });
    story.take({ type: 'rows', rows: [first, other], shown: true }, { type: 'listed', ids: new Set([1, 2]) });
    story.take(tell, tell);
    expect(story.notices).toEqual([{ conversation: 2, messages: [hi], count: 1, missed: true }]);
  });

  test('a hidden conversation that somebody joins is not told of for what was said before', () => {
    const story = new Story();
    story.take({ type: 'authenticated', data: authenticated([[1, 9]]), sent: at({}) }, listed);
    story.take(rows(conversation(10, { unread: 3, last_message: message(8) })), tell, tell);
    expect(story.notices).toEqual([]);
  });
});

describe('in tabs', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function tab(server: Scripted, storage: KeyValue) {
    const client = server.client(storage);
    if (!client.signedIn) await client.logIn({ username: 'ann', password: 'correct horse' });
    const told: number[] = [];
    client.on('notify', ({ messages }) => told.push(...messages.map(({ seq }) => seq)));
    client.connect();
    await vi.advanceTimersByTimeAsync(10);
    return { client, told };
  }

  const hear = (server: Scripted, seq: number) => {
    for (const socket of server.sockets)
      socket.hear({ type: 'message.created', conversation: 1, seq, data: message(seq) });
  };

  test('tabs of one device tell of a message once, and so does a device of its own', async () => {
    const [server, device] = [new Scripted(), memoryStorage()];
    const tabs = [await tab(server, device), await tab(server, device), await tab(server, memoryStorage())];
    hear(server, 2);
    await vi.advanceTimersByTimeAsync(700);
    expect(tabs.flatMap(({ told }) => told)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    const [one = [], two = [], other = []] = tabs.map(({ told }) => told);
    expect([...one, ...two]).toEqual([2]);
    expect(other).toEqual([2]);
    hear(server, 3);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([...one, ...two]).toEqual([2, 3]);
  });

  test('who logs out is told of nothing that still waits', async () => {
    const server = new Scripted();
    const { client, told } = await tab(server, memoryStorage());
    hear(server, 2);
    await vi.advanceTimersByTimeAsync(100);
    await client.logOut();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toEqual([]);
  });

  test('a history that was replaced is told of anew', async () => {
    const [server, device] = [new Scripted(), memoryStorage()];
    device.setItem('palabre.told.1', JSON.stringify({ epoch: 'earlier', seqs: [[1, 99]] }));
    const { told } = await tab(server, device);
    hear(server, 2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toEqual([2]);
  });
});
