// The numbers of one's own account: the same law as that of a conversation.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { draftKey } from '../src/index.js';
import { positionOf, type State } from '../src/state/index.js';
import type { Draft, EventFrame, User } from '../src/wire.js';
import { at, authenticated, conversation, draft, member, message, Story } from './help/made.js';
import { Scripted } from './help/scripted.js';

const saved = (data: Draft) => ({ type: 'draft.saved', conversation: data.conversation, data });
const discarded = (edit: number | null = null) => ({
  type: 'draft.discarded',
  conversation: 1,
  data: { conversation: 1, edit },
});

/** Ann comes for the first time; her account is at `seq`, and her drafts have been read. */
function arrived(seq: number, drafts: readonly Draft[] = []): Story {
  const story = new Story();
  story.take({ type: 'authenticated', data: authenticated([[1, 3]], 'e', seq), sent: at({}) });
  expect(story.wants).toEqual([{ type: 'drafts' }]);
  story.take({ type: 'rows', rows: [conversation(3)], shown: true });
  return story.take({ type: 'drafts', drafts, since: seq });
}

const texts = ({ state }: Story) => Object.fromEntries([...state.drafts].map(([key, it]) => [key, it.text]));

test('the next event is applied, a repeat is dropped, a gap is asked for and then filled', () => {
  const story = arrived(15).own(saved(draft(16, 'one')), 16);
  expect([story.state.accountSeq, texts(story)]).toEqual([16, { 1: 'one' }]);
  const before = story.state;
  expect(story.own(saved(draft(16, 'one')), 16).state).toBe(before);
  story.own(saved(draft(18, 'three')), 18);
  expect(story.wants).toEqual([{ type: 'account.sync', since: 16 }]);
  expect([story.state.accountSeq, texts(story)]).toEqual([16, { 1: 'one' }]);
  expect(story.own(saved(draft(19, 'four', { conversation: 2 })), 19).wants).toEqual([]);
  const events = [{ ...discarded(7), account_seq: 17 } as EventFrame];
  story.take({ type: 'account.changes', changes: { from: 16, to: 17, reset: false, more: false, events } });
  expect([story.state.accountSeq, texts(story)]).toEqual([19, { 1: 'three', 2: 'four' }]);
});

test('an event may follow one that is further back than the number before', () => {
  const story = arrived(15).own(saved(draft(19, 'late')), 19, 15);
  expect([story.state.accountSeq, story.wants]).toEqual([19, []]);
  // It follows a number that has not come.
  story.own(discarded(), 25, 22);
  expect([story.state.accountSeq, story.wants]).toEqual([19, [{ type: 'account.sync', since: 19 }]]);
});

test('a long answer comes in pieces, and what came meanwhile is applied after the last', () => {
  const story = arrived(15).own(saved(draft(20, 'last')), 20);
  const piece = (from: number, to: number, more: boolean, ...events: object[]) =>
    story.take({
      type: 'account.changes',
      changes: { from, to, reset: false, more, events: events as EventFrame[] },
    });
  piece(15, 17, true, { ...saved(draft(17, 'some', { edit: 2 })), account_seq: 17 });
  expect([story.state.accountSeq, texts(story)]).toEqual([17, { '1/2': 'some' }]);
  // The next piece is asked for by whoever asked for this one.
  expect(story.wants).toEqual([]);
  piece(17, 19, false, { ...discarded(2), account_seq: 19, account_after: 17 });
  expect([story.state.accountSeq, texts(story)]).toEqual([20, { 1: 'last' }]);
});

test('events of the account reach what they are about', () => {
  const story = arrived(15);
  story.own({ type: 'conversation.hidden', conversation: 1, data: { at: 3 } }, 16);
  expect(story.it.hidden).toBe(true);
  story.own({ type: 'conversation.added', conversation: 2, data: conversation(1, { id: 2 }) }, 17);
  story.own({ type: 'account.updated', data: { id: 1, username: 'ann', role: 'admin' } }, 18);
  expect(story.state.conversations.has(2)).toBe(true);
  expect(story.state.me?.role).toBe('admin');
  // Without a number it is the answer to the cursor of a conversation that one is in no longer.
  story.take({
    type: 'frame',
    frame: { type: 'conversation.removed', conversation: 1, data: { reason: 'left' } },
    now: 0,
  });
  expect([story.state.conversations.has(1), story.state.accountSeq]).toEqual([false, 18]);
  // A type that was added to the protocol later has its number all the same.
  expect(story.own({ type: 'reminder.set', data: {} }, 19).state.accountSeq).toBe(19);
});

test('the numbers of the account and those of a conversation do not mix', () => {
  const story = arrived(15)
    .hear('message.created', message(4))
    .own(saved(draft(16, 'hey')), 16);
  expect([story.it.cursor, story.state.accountSeq]).toEqual([4, 16]);
});

test('a draft that changed while the list was read stands, and one that was discarded is gone', () => {
  const story = new Story();
  story.take({ type: 'authenticated', data: authenticated([], 'e', 15), sent: at({}) });
  story.own(saved(draft(16, 'newer')), 16).own(saved(draft(17, 'short', { edit: 2 })), 17);
  story.own(discarded(2), 18).own(saved(draft(19, 'fresh', { edit: 3 })), 19);
  const drafts = [
    draft(12, 'older'),
    draft(17, 'short', { edit: 2 }),
    draft(9, 'other', { conversation: 2 }),
  ];
  story.take({ type: 'drafts', drafts, since: 15 });
  expect(texts(story)).toEqual({ 1: 'newer', '1/3': 'fresh', 2: 'other' });
});

test('an answer that comes before its event, and an event that comes before its answer, make the same', () => {
  const first = arrived(15).take({ type: 'draft', draft: draft(16, 'hey') });
  const second = arrived(15)
    .own(saved(draft(16, 'hey')), 16)
    .take({ type: 'draft', draft: draft(16, 'hey') });
  first.own(saved(draft(16, 'hey')), 16);
  for (const story of [first, second]) {
    expect(texts(story)).toEqual({ 1: 'hey' });
    story.take({ type: 'draft.gone', key: draftKey(1), rev: 16 });
    expect(texts(story)).toEqual({});
    // It was saved elsewhere after that.
    expect(texts(story.own(saved(draft(18, 'again')), 18, 16))).toEqual({ 1: 'again' });
  }
});

test('one comes back with the cursor, but not before everything that leads to it is known', () => {
  const story = new Story();
  story.take({ type: 'authenticated', data: authenticated([], 'e', 15), sent: at({}) });
  expect(positionOf(story.state).accountSeq).toBeNull();
  story.take({ type: 'drafts', drafts: [], since: 15 });
  expect(positionOf(story.state).accountSeq).toBe(15);
  story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated([], 'e', 18), sent: at({}, 15) });
  expect([story.state.accountSeq, story.wants]).toEqual([15, []]);
  story.own(saved(draft(18, 'missed')), 18, 15);
  expect([story.state.accountSeq, texts(story)]).toEqual([18, { 1: 'missed' }]);
});

test('a gap that was open when the line was cut is filled by the next connection', () => {
  const story = arrived(15).own(saved(draft(18, 'three')), 18);
  story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated([], 'e', 18), sent: at({}, 15) });
  // An answer on the connection that was cut says nothing any more.
  const late = { from: 15, to: 17, reset: false, more: false, events: [] };
  expect(story.take({ type: 'account.changes', changes: late }).state.accountSeq).toBe(15);
  story.own(discarded(4), 17, 15).own(saved(draft(18, 'three')), 18);
  expect([story.state.accountSeq, texts(story)]).toEqual([18, { 1: 'three' }]);
});

test('too much was missed: the drafts are read again, and the cursor is the one that was told', () => {
  const story = arrived(15, [draft(12, 'old'), draft(14, 'gone', { edit: 2 })]);
  story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated([], 'e', 900), sent: at({}, 15) });
  story.own({ type: 'account.reset', data: {} }, 900);
  expect([story.state.accountSeq, texts(story), story.wants]).toEqual([900, {}, [{ type: 'drafts' }]]);
  expect(positionOf(story.state).accountSeq).toBeNull();
  story.take({ type: 'drafts', drafts: [draft(800, 'new')], since: 900 });
  expect([positionOf(story.state).accountSeq, texts(story)]).toEqual([900, { 1: 'new' }]);
});

test('so much at once that it cannot be told: a new connection reads everything again', () => {
  const story = arrived(15).own(saved(draft(900, 'far')), 900);
  const changes = { from: 15, to: 900, reset: true, more: false, events: [] };
  story.take({ type: 'account.changes', changes });
  expect(story.wants).toEqual([{ type: 'reconnect' }]);
  expect(positionOf(story.state).accountSeq).toBeNull();
});

test('another history: nothing that was known of the account belongs to it', () => {
  const story = arrived(15, [draft(12, 'of yesterday')]);
  story.take({ type: 'authenticated', data: authenticated([], 'f', 4), sent: at({}, 15) });
  expect([story.state.accountSeq, texts(story), story.wants]).toEqual([4, {}, [{ type: 'drafts' }]]);
  expect(texts(story.own(saved(draft(5, 'of today')), 5))).toEqual({ 1: 'of today' });
});

test('an older server numbers nothing, and its events are applied as they come', () => {
  const story = Story.at(3);
  expect([story.state.accountSeq, story.wants]).toEqual([null, []]);
  const updated = { type: 'account.updated', data: { id: 1, username: 'ann', role: 'admin' } } as never;
  story.take({ type: 'frame', frame: updated, now: 0 });
  expect(story.state.me?.role).toBe('admin');
  // A node of the older version, after one of the newer.
  const between = arrived(15, [draft(12, 'kept')]);
  between.take({ type: 'authenticated', data: authenticated([]), sent: at({}, 15) });
  expect([between.state.accountSeq, positionOf(between.state).accountSeq]).toEqual([null, null]);
});

// With a client ------------------------------------------------------------------------------------

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function writer(server: Scripted) {
  const client = server.client();
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await vi.advanceTimersByTimeAsync(1);
  return client;
}

test('a client reads its drafts once, asks for what it has missed, and begins anew where that is too much', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  const asked = (type: string) => server.commands.filter((it) => it.type === type).map(({ data }) => data);
  server.answer = ({ type }) =>
    type === 'draft.list' ? { data: { drafts: [draft(12, 'hey')] } } : undefined;
  const client = await writer(server);
  expect(client.state.drafts.get(draftKey(1))?.text).toBe('hey');
  server.answer = ({ type }) =>
    type === 'account.sync'
      ? {
          data: {
            from: 15,
            to: 17,
            reset: false,
            more: false,
            events: [{ ...discarded(), account_seq: 17 }],
          },
        }
      : undefined;
  server.tell({ ...saved(draft(18, 'late', { edit: 2 })), account_seq: 18 });
  await vi.advanceTimersByTimeAsync(1);
  expect(asked('account.sync')).toEqual([{ since: 15 }]);
  expect([...client.state.drafts.keys()]).toEqual([draftKey(1, 2)]);
  expect(asked('draft.list')).toHaveLength(1);

  server.accountSeq = 950;
  server.answer = ({ type }) =>
    type === 'account.sync'
      ? { data: { from: 18, to: 950, reset: true, more: false, events: [] } }
      : type === 'draft.list'
        ? { data: { drafts: [draft(940, 'anew')] } }
        : undefined;
  server.tell({ ...discarded(), account_seq: 950 });
  await vi.advanceTimersByTimeAsync(1);
  expect(server.sockets).toHaveLength(2);
  expect(server.greetings.map(({ account_seq }) => account_seq)).toEqual([undefined, undefined]);
  expect([client.state.accountSeq, client.state.line]).toEqual([950, 'online']);
  expect([...client.state.drafts.values()].map(({ text }) => text)).toEqual(['anew']);
});

test('an account question that is refused is asked again, and not for somebody who has gone', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  let trouble = true;
  server.answer = ({ type }) =>
    type === 'draft.list'
      ? trouble
        ? { refused: 'internal', status: 500 }
        : { data: { drafts: [draft(12, 'hey')] } }
      : undefined;
  const client = await writer(server);
  trouble = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(client.state.drafts.size).toBe(1);
  server.answer = ({ type }) => (type === 'account.sync' ? { refused: 'internal', status: 500 } : undefined);
  server.tell({ ...discarded(), account_seq: 19 });
  await vi.advanceTimersByTimeAsync(1);
  void client.logOut();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(server.commands.filter(({ type }) => type === 'account.sync')).toHaveLength(1);
  expect(client.state.drafts.size).toBe(0);
});

const told = (id: number, rev: number | undefined, display_name: string) =>
  ({ id, username: `person${id}`, display_name, rev }) as User;
const nameOf = ({ state }: { readonly state: State }, id: number) => state.people.get(id)?.user?.display_name;

test('of two readings of what somebody tells about themselves the newer one stays', () => {
  const story = arrived(15).take({ type: 'users', users: [told(2, 5, 'Bobby')] });
  const updated = (rev: number, name: string) =>
    story.take({ type: 'frame', frame: { type: 'user.updated', data: told(2, rev, name) }, now: 0 });
  expect(nameOf(updated(7, 'Robert'), 2)).toBe('Robert');
  expect(nameOf(updated(6, 'Rob'), 2)).toBe('Robert');
  expect(nameOf(story.take({ type: 'users', users: [told(2, 5, 'Bobby')] }), 2)).toBe('Robert');
  // An older server tells no number.
  const older = Story.at(3).take({ type: 'users', users: [told(2, undefined, 'Bobby')] });
  expect(nameOf(older.take({ type: 'users', users: [told(2, undefined, 'Robert')] }), 2)).toBe('Robert');
});

test('after coming back a client asks who tells something else about themselves, by what it knows', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  server.answer = ({ type }) =>
    type === 'user.list'
      ? { data: { users: [told(2, 5, 'Bobby'), told(3, undefined, 'Cat'), told(4, 0, 'Dan')] } }
      : undefined;
  const client = await writer(server);
  client.loadPeople([2, 3, 4]);
  await vi.advanceTimersByTimeAsync(100);
  server.answer = ({ type }) =>
    type === 'user.list' ? { data: { users: [told(2, 8, 'Robert'), told(4, 1, 'Daniel')] } } : undefined;
  client.disconnect();
  client.connect();
  await vi.advanceTimersByTimeAsync(1);
  const asked = server.commands.filter(({ type }) => type === 'user.list').map(({ data }) => data);
  // Zero is the number of those who have never told anything else.
  expect(asked).toEqual([{ users: [2, 3, 4] }, { users: [2, 4], revs: [5, 0] }]);
  expect([2, 3, 4].map((id) => nameOf(client, id))).toEqual(['Robert', 'Cat', 'Daniel']);
});

test('what a client saves and discards it knows by the answers', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  const before = draft(12, 'from elsewhere');
  server.answer = ({ type, data }) => {
    if (type === 'draft.list') return { data: { drafts: [] } };
    return type === 'draft.save'
      ? { data: { ...draft(16, String(data.text)), replaced: before } }
      : undefined;
  };
  const client = await writer(server);
  const answer = await client.saveDraft({ conversation: 1, text: 'hey', since: 0 });
  expect(answer.replaced).toEqual(before);
  expect(client.state.drafts.get(draftKey(1))).toEqual(draft(16, 'hey'));
  await client.discardDraft(1);
  expect(client.state.drafts.size).toBe(0);
  expect(server.commands.at(-1)).toMatchObject({
    type: 'draft.discard',
    data: { conversation: 1, edit: null },
  });
});

test('a greeting that was read before the last event takes nothing back, but for one of another history', () => {
  const me = (rev: number) => ({ id: 1, username: 'ann', role: 'user', rev, status_message: `word ${rev}` });
  const greeting = (rev: number, epoch: string) => ({
    ...authenticated([[1, 3]], epoch, 16),
    user: me(rev) as never,
  });
  const story = arrived(15).own({ type: 'account.updated', data: me(9) }, 16);
  story.take({ type: 'users', users: [{ ...me(9), id: 2, username: 'bob' } as never] });
  story.take({ type: 'cut' }, { type: 'authenticated', data: greeting(4, 'e'), sent: at({ 1: 3 }, 16) });
  expect([story.state.me?.status_message, story.state.people.get(1)?.user?.rev]).toEqual(['word 9', 9]);
  story.take({ type: 'cut' }, { type: 'authenticated', data: greeting(4, 'other'), sent: at({ 1: 3 }, 16) });
  expect([story.state.me?.status_message, story.state.people.get(1)?.user?.rev]).toEqual(['word 4', 4]);
  expect(story.state.people.get(2)).toBeUndefined();
});

test('a direct conversation has the other’s name as it is told, also if its row was read before that', () => {
  const peer = (display_name: string) => ({
    kind: 'direct' as const,
    peer: { id: 2, username: 'person2', display_name, presence: 'online' as const },
  });
  const row = (name: string) => ({ type: 'rows', rows: [conversation(3, peer(name))], shown: true }) as const;
  const story = Story.at(3, peer('Bobby'));
  const updated = { type: 'user.updated', data: told(2, 7, 'Robert') } as EventFrame;
  story.take({ type: 'frame', frame: updated, now: 0 });
  expect(story.it.peer?.display_name).toBe('Robert');
  story.take(row('Bobby'));
  expect(story.it.peer?.display_name).toBe('Robert');
  story.take({ type: 'users', users: [told(2, 9, 'Bob')] });
  expect(story.it.peer?.display_name).toBe('Bob');
  // An older server tells nobody of changes: there the row is newer.
  const older = Story.at(3, peer('Bobby')).take({ type: 'users', users: [told(2, undefined, 'Bobby')] });
  expect(older.take(row('Robert')).it.peer?.display_name).toBe('Robert');
});

test('who talks to themselves sees their own new name there', () => {
  const peer = { id: 1, username: 'ann', display_name: 'Ann', presence: 'online' as const };
  const story = arrived(15).take({
    type: 'rows',
    rows: [conversation(4, { kind: 'direct', peer })],
    shown: true,
  });
  story.own({ type: 'account.updated', data: { ...told(1, 9, 'Annie'), role: 'user' } }, 16);
  expect(story.it.peer?.display_name).toBe('Annie');
});

test('with whom one comes to share a conversation again, of them is asked what else is true by now', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  server.answer = ({ type }) =>
    type === 'user.list' ? { data: { users: [told(2, 5, 'Bobby'), told(3, 6, 'Cat')] } } : undefined;
  const client = await writer(server);
  client.loadPeople([2, 3]);
  await vi.advanceTimersByTimeAsync(100);
  server.commands.length = 0;
  const asked = async () => {
    await vi.advanceTimersByTimeAsync(100);
    const lists = server.commands.splice(0).filter(({ type }) => type === 'user.list');
    return lists.map(({ data }) => data);
  };
  const joined = { member: member(2, 2), member_count: 3 };
  server.tell({ type: 'member.joined', conversation: 1, seq: 2, data: joined });
  expect(await asked()).toEqual([{ users: [2], revs: [5] }]);
  server.tell({
    type: 'conversation.added',
    conversation: 7,
    account_seq: 16,
    data: conversation(3, { id: 7 }),
  });
  server.tell({
    type: 'conversation.added',
    conversation: 8,
    account_seq: 17,
    data: conversation(3, { id: 8 }),
  });
  expect(await asked()).toEqual([{ users: [2, 3], revs: [5, 6] }]);
});
