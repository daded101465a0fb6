// The law, against a real server: old snapshot + events = fresh snapshot, whatever people do and whenever a line is cut.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  Refusal,
  summaryOf,
  threadKey,
  type Client,
  type ConversationState,
  type History,
  type Message,
  type User,
} from '../src/index.js';
import { chance, clientFor, join, PASSWORD, until, type Somebody } from './help/people.js';
import { TestServer } from './help/server.js';

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env.ROUNDS ?? 12);
const PEOPLE = 4;
const STEPS = 25;
const WINDOW = 40;

let server: TestServer;
beforeAll(async () => {
  // Few enough that catching up often ends in a reset, and small enough that there are often several pieces.
  server = await TestServer.start({
    PALABRE_LIMITS__CATCH_UP: '15',
    PALABRE_LIMITS__CATCH_UP_BYTES: '1500',
    // With everybody in it a conversation is large, and people come and go by their count.
    PALABRE_LIMITS__PRESENCE_MEMBERS: String(PEOPLE - 1),
  });
});
afterAll(() => server.stop());

const random = chance(SEED);
const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];

/** Everything that both sides can know, to be compared. */
function view(it: ConversationState, like: ConversationState) {
  return {
    row: it.row,
    role: it.role,
    cursor: it.cursor,
    readSeq: it.readSeq,
    unread: it.unread,
    unreadForMe: it.unreadForMe,
    lastMessage: it.lastMessage,
    peer: it.peer && { ...it.peer, presence: null },
    members: it.members && like.members && [...it.members.values()].sort((a, b) => a.user.id - b.user.id),
    markers: it.members && like.members && [...it.markers.values()].sort((a, b) => a.user - b.user),
    pending: it.pending.filter((message) => message.state !== 'failed'),
  };
}

/** Everything of one's own account. */
function own({ state }: Client) {
  const drafts = [...state.drafts].sort(([one], [two]) => (one < two ? -1 : 1));
  const saved = [...state.saved.known].flatMap(([key, it]) => (it.saved ? [[key, it.saved]] : [])).sort();
  return { accountSeq: state.accountSeq, me: { ...state.me, last_seen_at: null }, drafts, saved };
}

/** The window on the history: everything from its first message to its last, or to either end. */
async function compareTimeline(known: ConversationState, other: Client): Promise<void> {
  const { timeline } = known;
  if (!timeline) return;
  const all: Message[] = [];
  for (let before: number | null = null; ; before = all[0]?.seq ?? null) {
    const page: History = await other.command('message.history', {
      conversation: known.id,
      before_seq: before,
      thread: 0,
      limit: 200,
    });
    all.unshift(...page.messages);
    if (!page.has_more_before) break;
  }
  const first = timeline.hasMoreBefore ? (timeline.messages[0]?.seq ?? 0) : 0;
  const last = timeline.hasMoreAfter ? (timeline.messages.at(-1)?.seq ?? 0) : Infinity;
  const inWindow = all.filter(({ seq }) => seq >= first && seq <= last);
  expect(timeline.messages).toEqual(inWindow.map((one) => ({ ...one, summary: null })));
  expect(timeline.messages.map((one) => summaryOf(known, one))).toEqual(
    inWindow.map(({ summary }) => summary),
  );
  expect(timeline.loading).toBeNull();
  expect(timeline.hasMoreBefore).toBe((all[0]?.seq ?? Infinity) < first);
  expect(timeline.hasMoreAfter).toBe((all.at(-1)?.seq ?? 0) > last);
}

/** Open threads hold what a fresh reading of them shows, and those that one follows are those of the server. */
async function compareThreads({ state }: Client, other: Client): Promise<void> {
  for (const [conversation, known] of state.conversations) {
    for (const [thread, open] of known.threads) {
      if (open.root === null) continue;
      const page = await other.command('message.history', { conversation, thread, limit: 200 });
      const first = open.timeline.hasMoreBefore ? (open.timeline.messages[0]?.seq ?? 0) : 0;
      expect(open.timeline.messages).toEqual(page.messages.filter(({ seq }) => seq >= first));
    }
  }
  const { threads } = await other.command('thread.list', { limit: 200 });
  const listed = threads.map((one) => [
    threadKey(one.conversation, one.thread),
    one.read_seq,
    one.level,
    one.unread,
  ]);
  const followed = [...state.followed].map(([key, one]) => [key, one.readSeq, one.level, one.unread]);
  expect(followed.sort()).toEqual(listed.sort());
}

function shown(client: Client): Map<number, ConversationState> {
  return new Map([...client.state.conversations].filter(([, it]) => !it.hidden).sort(([a], [b]) => a - b));
}

/** What is known of those with whom one shares an open conversation is what they tell about themselves now. */
async function compareCards({ state }: Client, other: Client): Promise<void> {
  const members = [...state.conversations.values()].flatMap(({ members: all }) => [...(all?.keys() ?? [])]);
  const known = [...new Set(members)].flatMap((id) => state.people.get(id)?.user ?? []);
  if (known.length === 0) return;
  const { users } = await other.command('user.list', { users: known.map(({ id }) => id) });
  const sorted = (all: readonly User[]) => [...all].sort((one, two) => one.id - two.id);
  expect(sorted(known)).toEqual(sorted(users));
}

/** A client that has just come, with everything open that the other has open. */
async function fresh(of: Somebody): Promise<Client> {
  const client = trace(clientFor(server.url));
  await client.logIn({ username: of.name, password: PASSWORD });
  client.connect();
  await until(client, (state) => state.ready, 'the fresh client is ready');
  for (const [id, known] of of.client.state.conversations) {
    if (known.timeline && client.state.conversations.has(id)) await client.open(id);
  }
  return client;
}

/** With TRACE=folder everybody's frames are written there when the law is broken. */
const traces = new Map<Client, string[]>();
function trace(client: Client): Client {
  const lines: string[] = [];
  traces.set(client, lines);
  client.on('frame', ({ direction, text, at }) => void lines.push(`${at} ${direction} ${text}`));
  return client;
}
function writeTraces(of: Client, fresh: Client): void {
  if (!process.env.TRACE) return;
  for (const [name, client] of Object.entries({ of, fresh })) {
    const { conversations } = client.state;
    const known = JSON.stringify([...conversations.values()], (_key, it: unknown) =>
      it instanceof Map || it instanceof Set ? [...it] : it,
    );
    writeFileSync(
      `${process.env.TRACE}/${SEED}-${name}.txt`,
      [...(traces.get(client) ?? []), known].join('\n'),
    );
  }
}

async function holds(of: Somebody): Promise<void> {
  await until(of.client, (state) => state.line === 'online' && state.ready, `${of.name} is online`);
  await of.client.loadSaved();
  const other = await fresh(of);
  await other.loadSaved();
  let difference: unknown;
  for (let tries = 0; tries < 60; tries += 1) {
    difference = await compare(of.client, other);
    if (!difference) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (difference) {
    writeTraces(of.client, other);
    throw difference;
  }
  // Ended on the server too, or there will be too many connections.
  await other.logOut();
}

async function compare(known: Client, other: Client): Promise<unknown> {
  try {
    expect([...shown(known).keys()]).toEqual([...shown(other).keys()]);
    expect(own(known)).toEqual(own(other));
    await compareCards(known, other);
    await compareThreads(known, other);
    for (const [id, one] of shown(known)) {
      const two = other.state.conversations.get(id);
      if (!two) continue;
      expect(view(one, two)).toEqual(view(two, one));
      await compareTimeline(one, other);
    }
    return null;
  } catch (difference) {
    return difference;
  }
}

type Deed = (of: Somebody, all: readonly Somebody[]) => unknown;

function conversationOf({ client }: Somebody): ConversationState | undefined {
  return pick([...client.state.conversations.values()]);
}

/** A deed in a conversation of one's own. */
function within(deed: (client: Client, it: ConversationState, all: readonly Somebody[]) => unknown): Deed {
  return (of, all) => {
    const it = conversationOf(of);
    return it && deed(of.client, it, all);
  };
}

function message(it: ConversationState, me?: number) {
  return pick((it.timeline?.messages ?? []).filter((one) => me === undefined || one.author.id === me));
}

let words = 0;
/** Some texts call somebody, or everybody. */
const said = () => `${pick(['', '', '', '@person0 ', '@person1 ', '@room ']) ?? ''}word ${(words += 1)}`;

const deeds: readonly (readonly [number, Deed])[] = [
  [24, within((client, it) => client.send(it.id, said()))],
  [
    6,
    within((client, it) => {
      const any = message(it);
      return any && client.send(it.id, said(), { parent: any.seq });
    }),
  ],
  [
    6,
    within((client, it) => {
      const own = message(it, client.state.me?.id);
      return own && client.command('message.edit', { conversation: it.id, seq: own.seq, text: said() });
    }),
  ],
  [
    6,
    within((client, it) => {
      const own = message(it, client.state.me?.id);
      return own && client.command('message.delete', { conversation: it.id, seq: own.seq });
    }),
  ],
  [
    8,
    within((client, it) => {
      const any = message(it);
      const emoji = pick(['👍', '🎉', '🐑']) ?? '👍';
      const type = random() < 0.6 ? 'reaction.add' : 'reaction.remove';
      return any && client.command(type, { conversation: it.id, seq: any.seq, emoji });
    }),
  ],
  [
    8,
    within((client, it) => {
      const any = message(it);
      return client.markRead(it.id, any?.seq ?? it.row.head);
    }),
  ],
  [3, within((client, it) => client.command('conversation.leave', { conversation: it.id }))],
  [3, within((client, it) => client.command('conversation.update', { conversation: it.id, topic: said() }))],
  [
    4,
    within((client, it, all) => {
      const other = pick(all);
      return other && client.command('member.add', { conversation: it.id, user: other.id });
    }),
  ],
  [
    3,
    within((client, it, all) => {
      const other = pick(all);
      return other && client.command('member.remove', { conversation: it.id, user: other.id });
    }),
  ],
  [
    3,
    within((client, it, all) => {
      const other = pick(all);
      const role = pick(['member', 'moderator', 'admin'] as const) ?? 'member';
      return other && client.command('member.update', { conversation: it.id, user: other.id, role });
    }),
  ],
  [
    4,
    async ({ client }) => {
      const { rooms } = await client.command('room.list', {});
      const room = pick(rooms);
      return room && client.command('conversation.join', { conversation: room.id });
    },
  ],
  [
    2,
    ({ client }, all) => {
      const other = pick(all);
      return other && client.command('conversation.create', { kind: 'direct', user: other.id });
    },
  ],
  [
    8,
    within((client, it) => {
      const own = message(it, client.state.me?.id);
      const edit = random() < 0.3 ? (own?.seq ?? null) : null;
      if (random() < 0.3) return client.discardDraft(it.id, edit);
      const parent = edit === null && random() < 0.3 ? (message(it)?.seq ?? null) : null;
      return client.saveDraft({ conversation: it.id, edit, parent, text: said() });
    }),
  ],
  [
    6,
    within((client, it) => {
      const any = message(it);
      const place = any && { conversation: it.id, seq: any.seq };
      return place && client.command(random() < 0.3 ? 'message.unsave' : 'message.save', place);
    }),
  ],
  [2, ({ client }) => client.command('account.update', { status_message: said() })],
  [2, ({ client }) => client.command('account.update', { display_name: said() })],
  [2, ({ client }, all) => client.loadPeople(all.map(({ id }) => id))],
  [
    10,
    within((client, it) => {
      const root = message(it);
      const thread = root && (root.thread ?? root.seq);
      return thread && client.send(it.id, said(), { thread, alsoInRoom: random() < 0.3 });
    }),
  ],
  [
    4,
    within((client, it) => {
      const root = message(it);
      return root?.thread === null && client.followThread(it.id, root.seq, random() < 0.6);
    }),
  ],
  [
    3,
    within((client, it) => {
      const [, one] = pick([...client.state.followed]) ?? [];
      const level = pick(['everything', 'mentions', 'nothing', null] as const) ?? null;
      const { conversation, thread } = one ?? { conversation: it.id, thread: 1 };
      return client.setThreadNotifications({ conversation, thread, level });
    }),
  ],
  [
    2,
    within((client, it) =>
      client.command('conversation.update', { conversation: it.id, edit_history: random() < 0.5 }),
    ),
  ],
  [
    4,
    within((client, it) => {
      const [thread, open] = pick([...it.threads]) ?? [];
      const last = open?.timeline.messages.at(-1);
      return thread && last && client.markThreadRead(it.id, thread, last.seq);
    }),
  ],
  [
    4,
    within((client, it) => {
      const root = message(it);
      return root?.thread === null && client.openThread(it.id, root.seq);
    }),
  ],
  [
    1,
    within((client, it) => {
      const [thread] = pick([...it.threads]) ?? [];
      return thread && client.closeThread(it.id, thread);
    }),
  ],
  [5, within((client, it) => client.open(it.id))],
  [2, within((client, it) => client.close(it.id))],
  [3, within((client, it) => client.loadBefore(it.id))],
  [2, within((client, it) => client.jumpToLatest(it.id))],
  [
    2,
    within((client, it) => {
      const any = message(it);
      return any && client.open(it.id, { around: any.seq });
    }),
  ],
  [3, ({ wire }) => wire.cut()],
  [1, ({ wire }) => void ((wire.up = false), wire.cut())],
];

function deed(): Deed {
  const all = deeds.reduce((sum, [weight]) => sum + weight, 0);
  let at = random() * all;
  for (const [weight, one] of deeds) if ((at -= weight) < 0) return one;
  throw new Error('there are no deeds');
}

/**
 * Takes something out of the list, on the line or while it is away. Only while nothing else happens: the server
 * may tell of hiding before it tells of an event that came first, in the same batch.
 */
async function hide(one: Somebody): Promise<void> {
  const it = conversationOf(one);
  if (!it || random() < 0.5) return;
  const away = random() < 0.5;
  if (away) {
    one.wire.up = false;
    one.wire.cut();
  }
  await done(one.client.command('conversation.hide', { conversation: it.id }));
  if (!away) await until(one.client, () => hiddenOrGone(one, it.id), `${one.name} has hidden ${it.id}`);
}

function hiddenOrGone({ client }: Somebody, id: number): boolean {
  return client.state.conversations.get(id)?.hidden ?? true;
}

/** Refusals are expected; nothing else may go wrong. */
async function done(result: unknown): Promise<void> {
  await Promise.resolve(result).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'internal' || error.code === 'malformed') throw error;
  });
}

test(`old snapshot + events = fresh snapshot (SEED=${SEED})`, { timeout: 50_000 }, async () => {
  const all = await Promise.all(
    Array.from({ length: PEOPLE }, (_none, at) =>
      join(server.url, `person${at}`, { windowSize: WINDOW, pageSize: 10 }),
    ),
  );
  for (const { client } of all) trace(client);
  for (const { client, name } of all.slice(0, 2)) {
    await client.command('conversation.create', {
      kind: 'room',
      name: `${name}'s room`,
      visibility: 'public',
    });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const results: Promise<void>[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      const one = pick(all);
      if (one) results.push(done(deed()(one, all)));
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 20));
    }
    for (const { wire, client } of all) {
      wire.up = true;
      client.reconnectNow();
    }
    await Promise.all(results);
    for (const one of all) await holds(one);
    for (const one of all) await hide(one);
  }
  for (const { client } of all) client.disconnect();
});
