// Everything that a client knows, and what each thing that it hears makes of it. Without I/O and without a clock.
import type {
  Account,
  Authenticated,
  Changes,
  Conversation,
  EventFrame,
  Limits,
  Marker,
  Member,
  Message,
  PersonPresence,
  User,
} from '../wire.js';
import * as conversations from './conversations.js';
import type { ConversationState, NumberedFrame, Reread, Step, Want } from './conversations.js';
import { present, putMarkers } from './markers.js';
import { unread, type PageRead, type Where } from './messages.js';
import { meet, person, profile, see, type People } from './people.js';
import { unsettled, type Pending } from './pending.js';
import { begins, ends, still } from './typing.js';
import { readTo } from './unread.js';

/** Idle: not wanted. Waiting: tries again at `retryAt`. Over: does not come back, for the reason in `ended`. */
export type LineState = 'idle' | 'connecting' | 'online' | 'waiting' | 'over';

export interface State {
  readonly line: LineState;
  readonly retryAt: number | null;
  /** Why the line is over: a goodbye's code. */
  readonly ended: string | null;
  readonly me: Account | null;
  readonly limits: Limits | null;
  readonly epoch: string | null;
  /** The list of conversations has been read once. */
  readonly ready: boolean;
  readonly conversations: ReadonlyMap<number, ConversationState>;
  readonly people: People;
  /** All that is in the outbox, by conversation; also of those that are not known (yet). */
  readonly outbox: ReadonlyMap<number, readonly Pending[]>;
  /** For the SDK itself: of conversations that are not known, the last number that was told; `Infinity` once left. */
  readonly told: ReadonlyMap<number, number>;
}

export const empty: State = {
  line: 'idle',
  retryAt: null,
  ended: null,
  me: null,
  limits: null,
  epoch: null,
  ready: false,
  conversations: new Map(),
  people: new Map(),
  outbox: new Map(),
  told: new Map(),
};

/** The cursors with which a client came back, by conversation. */
export type Cursors = Readonly<Record<string, number>>;

/** What a client hears, reads or does. */
export type Input =
  | {
      readonly type: 'line';
      readonly line: LineState;
      readonly retryAt: number | null;
      readonly ended: string | null;
    }
  | { readonly type: 'cut' }
  | { readonly type: 'authenticated'; readonly data: Authenticated; readonly sent: Cursors }
  | { readonly type: 'frame'; readonly frame: EventFrame; readonly now: number }
  | { readonly type: 'rows'; readonly rows: readonly Conversation[]; readonly shown: boolean }
  | { readonly type: 'listed'; readonly ids: ReadonlySet<number> }
  | { readonly type: 'changes'; readonly conversation: number; readonly changes: Changes }
  | { readonly type: 'reread'; readonly conversation: number; readonly read: Reread }
  | { readonly type: 'opened'; readonly conversation: number }
  | { readonly type: 'closed'; readonly conversation: number }
  | {
      readonly type: 'reading';
      readonly conversation: number;
      readonly reading: number;
      readonly where: Where | null;
    }
  | {
      readonly type: 'read.failed';
      readonly conversation: number;
      readonly reading: number;
      readonly where: Where | null;
    }
  | {
      readonly type: 'page';
      readonly conversation: number;
      readonly reading: number;
      readonly read: PageRead;
    }
  | {
      readonly type: 'members';
      readonly conversation: number;
      readonly reading: number;
      readonly members: readonly Member[];
    }
  | { readonly type: 'markers'; readonly conversation: number; readonly markers: readonly Marker[] }
  | { readonly type: 'marker'; readonly conversation: number; readonly marker: Marker }
  | { readonly type: 'read'; readonly conversation: number; readonly seq: number }
  | { readonly type: 'pending'; readonly pending: readonly Pending[] }
  | { readonly type: 'users'; readonly users: readonly User[] }
  | { readonly type: 'presences'; readonly people: readonly PersonPresence[] }
  | { readonly type: 'account'; readonly account: Account }
  | { readonly type: 'clock'; readonly now: number }
  | { readonly type: 'forgotten' };

export interface Reduced {
  readonly state: State;
  /** What must be asked for now. */
  readonly wants: readonly Want[];
  /** Messages that just came, one's own included. */
  readonly news: readonly Message[];
}

/** Sizes that the reducers keep to. */
export interface Bounds {
  readonly windowSize: number;
}

export function reduce(state: State, input: Input, bounds: Bounds): Reduced {
  switch (input.type) {
    case 'line':
      return only({ ...state, line: input.line, retryAt: input.retryAt, ended: input.ended });
    case 'cut':
      return only(each(state, conversations.cut));
    case 'authenticated':
      return authenticated(state, input.data, input.sent);
    case 'frame':
      return hear(state, input.frame, input.now, bounds);
    case 'rows':
      return rows(state, input.rows, input.shown);
    case 'listed':
      return only(listed(state, input.ids));
    case 'users':
      return only({
        ...state,
        people: meet(
          state.people,
          input.users.map((user) => ({ ...person(user), user })),
        ),
      });
    case 'presences':
      return only(presences(state, input.people));
    case 'account':
      return only(account(state, input.account));
    case 'pending':
      return only(pending(state, input.pending));
    case 'clock':
      return only(each(state, (it) => typing(it, still(it.typing, input.now))));
    case 'forgotten':
      return only({ ...empty, line: state.line, ended: state.ended });
    default:
      return within(state, input, bounds);
  }
}

type Inside = Exclude<
  Input,
  { readonly type: 'line' | 'cut' | 'authenticated' | 'frame' | 'rows' | 'listed' }
>;

/** What concerns one conversation that is known. */
function within(state: State, input: Inside, bounds: Bounds): Reduced {
  if (!('conversation' in input)) return only(state);
  const known = state.conversations.get(input.conversation);
  if (!known) return only(state);
  const context = contextOf(state, bounds);
  switch (input.type) {
    case 'changes':
      return stepped(
        meetAll(state, input.changes.messages, input.changes.members),
        conversations.takeChanges(known, input.changes, context),
        input.changes.messages,
      );
    case 'reread': {
      const { page, members, row } = input.read;
      const met = meetAll(meetPeers(state, [row]), page?.messages ?? [], members ?? []);
      return stepped(met, conversations.takeReread(known, input.read, context), page?.messages);
    }
    case 'opened':
      return only(set(state, known.timeline ? known : { ...known, timeline: unread }));
    case 'closed':
      return only(set(state, { ...known, timeline: null }));
    case 'reading':
      return only(set(state, loading(conversations.beginReading(known, input.reading), input.where)));
    case 'read.failed':
      return only(set(state, failed(conversations.endReading(known, input.reading), input.where)));
    case 'page': {
      const { messages } = input.read.page;
      const next = conversations.endReading(
        conversations.takePage(known, input.read, context),
        input.reading,
      );
      return only(set(meetAll(state, messages, []), next, messages));
    }
    case 'members': {
      const next = conversations.endReading(conversations.takeMembers(known, input.members), input.reading);
      return only(set(meetAll(state, [], input.members), next));
    }
    case 'markers':
      return only(set(state, conversations.takeMarkers(known, input.markers)));
    case 'marker':
      return moved(state, known, input.marker);
    case 'read':
      return only(input.seq > known.readSeq ? set(state, readTo(known, input.seq, context.me)) : state);
    default:
      return only(state);
  }
}

function only(state: State): Reduced {
  return { state, wants: [], news: [] };
}

function contextOf(state: State, { windowSize }: Bounds): conversations.Context {
  return { me: state.me?.id ?? null, windowSize };
}

// Putting conversations ----------------------------------------------------------------------------

/** Puts a conversation, without the pending messages that have become real in the same moment. */
function set(state: State, next: ConversationState, seen: readonly Message[] = []): State {
  const visible = next.lastMessage ? [...seen, next.lastMessage] : seen;
  const left = unsettled(next.pending, visible, state.me?.id ?? null, next.cursor);
  const settled = left === next.pending ? next : { ...next, pending: left };
  if (state.conversations.get(next.id) === settled) return state;
  const outbox = left === next.pending ? state.outbox : new Map(state.outbox).set(next.id, left);
  return { ...state, outbox, conversations: new Map(state.conversations).set(next.id, settled) };
}

function stepped(state: State, { next, wants, news }: Step, seen: readonly Message[] = []): Reduced {
  return { state: set(state, next, [...seen, ...news]), wants, news };
}

function each(state: State, change: (conversation: ConversationState) => ConversationState): State {
  let next: Map<number, ConversationState> | null = null;
  for (const [id, known] of state.conversations) {
    const changed = change(known);
    if (changed === known) continue;
    next ??= new Map(state.conversations);
    next.set(id, changed);
  }
  return next ? { ...state, conversations: next } : state;
}

function without(state: State, id: number): State {
  const next = new Map(state.conversations);
  next.delete(id);
  return { ...state, conversations: next, told: new Map(state.told).set(id, Infinity) };
}

function typing(state: ConversationState, next: ConversationState['typing']): ConversationState {
  return next === state.typing ? state : { ...state, typing: next };
}

function loading(state: ConversationState, where: Where | null): ConversationState {
  if (!state.timeline || !where) return state;
  return { ...state, timeline: { ...state.timeline, loading: where === 'newest' ? 'around' : where } };
}

function failed(state: ConversationState, where: Where | null): ConversationState {
  if (!state.timeline || !where) return state;
  return { ...state, timeline: { ...state.timeline, loading: null } };
}

// Rows ---------------------------------------------------------------------------------------------

/** Takes conversations that were read; `shown` if they were read as parts of the list. */
function rows(state: State, fresh: readonly Conversation[], shown: boolean): Reduced {
  let next = meetPeers(state, fresh);
  const wants: Want[] = [];
  for (const row of fresh) {
    const known = next.conversations.get(row.id);
    const told = next.told.get(row.id) ?? 0;
    // It was left while this was on its way.
    if (!known && told === Infinity) continue;
    if (!known && told > row.head) wants.push({ type: 'sync', conversation: row.id, since: row.head });
    const step = known ? conversations.takeRow(known, row) : { next: begun(next, row), wants: [] };
    next = set(next, shown && step.next.hidden ? { ...step.next, hidden: false } : step.next);
    wants.push(...step.wants);
  }
  return { state: next, wants, news: [] };
}

function begun(state: State, row: Conversation): ConversationState {
  return { ...conversations.begin(row), pending: state.outbox.get(row.id) ?? [] };
}

/** The list was read to its end: what is not in it is hidden, unless something has happened in it since. */
function listed(state: State, ids: ReadonlySet<number>): State {
  const hidden = each(state, (known) =>
    ids.has(known.id) || known.hidden || conversations.lively(known) ? known : conversations.hide(known),
  );
  return { ...hidden, ready: true };
}

function authenticated(state: State, data: Authenticated, sent: Cursors): Reduced {
  // Another history of the database: nothing that was known is of this one.
  const foreign = state.epoch !== null && state.epoch !== data.epoch;
  const kept = new Map<number, ConversationState>();
  const told = new Map<number, number>();
  const wants: Want[] = [];
  for (const { id, head } of data.conversations) {
    const known = foreign ? undefined : state.conversations.get(id);
    if (known) kept.set(id, conversations.follow(known, head));
    else told.set(id, head);
    // It became known after the cursors were said.
    if (known && known.cursor < head && !(id in sent))
      wants.push({ type: 'sync', conversation: id, since: conversations.resumesFrom(known) });
  }
  const { limits, epoch } = data;
  const next = { ...state, limits, epoch, ready: state.ready && !foreign, conversations: kept, told };
  return { state: account(next, data.user), wants, news: [] };
}

// Frames -------------------------------------------------------------------------------------------

function hear(state: State, frame: EventFrame, now: number, bounds: Bounds): Reduced {
  switch (frame.type) {
    case 'account.updated':
      return only(account(state, frame.data));
    case 'conversation.added':
      return added(state, frame.data);
    case 'conversation.removed':
      return only(without(state, frame.conversation));
    case 'presence.changed':
      return only(presenceTold(state, frame.data.people));
  }
  if (frame.conversation === undefined) return only(state);
  const known = state.conversations.get(frame.conversation);
  if (!known) return unknown(state, frame);
  switch (frame.type) {
    case 'conversation.hidden':
      return only(set(state, conversations.hide(known)));
    case 'conversation.changes':
      return within(state, { type: 'changes', conversation: known.id, changes: frame.data }, bounds);
    case 'marker.moved':
      return moved(state, known, frame.data);
    case 'typing.started':
      return only(startsTyping(state, known, frame.data.user, now));
    case 'typing.stopped':
      return only(set(state, typing(known, ends(known.typing, frame.data.user.id))));
    default:
      return numbered(state, known, frame, bounds);
  }
}

/** Something happens in a conversation that is not known: one that was hidden when the list was read. */
function unknown(state: State, frame: EventFrame): Reduced {
  if (!('conversation' in frame) || !isNumbered(frame)) return only(state);
  const news = frame.type === 'message.created' ? [frame.data] : [];
  const told = new Map(state.told).set(
    frame.conversation,
    Math.max(frame.seq, state.told.get(frame.conversation) ?? 0),
  );
  return { state: { ...state, told }, wants: [{ type: 'row', conversation: frame.conversation }], news };
}

function isNumbered(frame: EventFrame): frame is NumberedFrame {
  return 'seq' in frame && typeof frame.seq === 'number';
}

function numbered(state: State, known: ConversationState, frame: EventFrame, bounds: Bounds): Reduced {
  if (!isNumbered(frame)) return only(state);
  const [messages, members] = named(frame);
  return stepped(
    meetAll(state, messages, members),
    conversations.takeEvent(known, frame, contextOf(state, bounds)),
  );
}

/** Whom and what an event names. */
function named(frame: NumberedFrame): [Message[], Member[]] {
  switch (frame.type) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted':
      return [[frame.data], []];
    case 'reaction.added':
    case 'reaction.removed':
      return [[frame.data.message], []];
    case 'member.joined':
    case 'member.left':
      return [[], [frame.data.member]];
    case 'member.updated':
      return [[], [frame.data]];
    default:
      return [[], []];
  }
}

function added(state: State, data: Conversation): Reduced {
  const before = state.conversations.get(data.id);
  const told = new Map(state.told);
  told.delete(data.id);
  const taken = rows({ ...state, told }, [data], true);
  const known = taken.state.conversations.get(data.id);
  const wants: Want[] = [...taken.wants];
  // Events follow from its head: what lies between must be asked for.
  if (before && before.cursor < data.head)
    wants.push({ type: 'sync', conversation: data.id, since: conversations.resumesFrom(before) });
  return { ...taken, wants, state: known ? set(taken.state, conversations.show(known)) : taken.state };
}

function moved(state: State, known: ConversationState, marker: Marker): Reduced {
  const me = state.me?.id ?? null;
  const next = { ...known, markers: present(putMarkers(known.markers, [marker]), known.members) };
  if (marker.user !== me || (marker.read_seq <= known.readSeq && !known.inner.uncounted))
    return only(set(state, next));
  const read = readTo(next, Math.max(marker.read_seq, known.readSeq), me);
  return {
    ...only(set(state, read)),
    wants: read.inner.uncounted ? [{ type: 'row', conversation: known.id }] : [],
  };
}

const TYPING_MS = 6000;

function startsTyping(state: State, known: ConversationState, user: Message['author'], now: number): State {
  const until = now + (state.limits?.typing_ms ?? TYPING_MS);
  const next = set(state, typing(known, begins(known.typing, person(user), until)));
  return { ...next, people: meet(next.people, [person(user)]) };
}

// People -------------------------------------------------------------------------------------------

function account(state: State, me: Account): State {
  return { ...state, me, people: meet(state.people, [{ ...person(me), user: profile(me) }]) };
}

function meetAll(state: State, messages: readonly Message[], members: readonly Member[]): State {
  const people = meet(state.people, [
    ...messages.map(({ author }) => person(author)),
    ...members.map(({ user }) => person(user)),
  ]);
  return people === state.people ? state : { ...state, people };
}

function meetPeers(state: State, fresh: readonly Conversation[]): State {
  const changes = fresh.flatMap(({ peer, last_message }) => [
    ...(peer ? [{ ...person(peer), presence: peer.presence }] : []),
    ...(last_message ? [person(last_message.author)] : []),
  ]);
  const people = meet(state.people, changes);
  return people === state.people ? state : { ...state, people };
}

function presenceTold(
  state: State,
  told: readonly {
    user: Message['author'];
    presence: PersonPresence['presence'];
    last_seen_at: string | null;
  }[],
): State {
  const people = meet(
    state.people,
    told.map(({ user, presence, last_seen_at }) => ({ ...person(user), presence, lastSeenAt: last_seen_at })),
  );
  return peersSeen({ ...state, people });
}

function presences(state: State, seen: readonly PersonPresence[]): State {
  return peersSeen({ ...state, people: see(state.people, seen) });
}

/** A direct conversation shows the other's presence. */
function peersSeen(state: State): State {
  return each(state, (known) => {
    const presence = known.peer && state.people.get(known.peer.id)?.presence;
    if (!known.peer || !presence || presence === known.peer.presence) return known;
    return { ...known, peer: { ...known.peer, presence } };
  });
}

// Pending messages ---------------------------------------------------------------------------------

/** Takes the whole outbox; what has become a message already is left out. */
function pending(state: State, all: readonly Pending[]): State {
  const grouped = new Map<number, Pending[]>();
  for (const it of all) grouped.set(it.conversation, [...(grouped.get(it.conversation) ?? []), it]);
  let next: State = { ...state, outbox: grouped };
  for (const known of state.conversations.values()) {
    const mine = grouped.get(known.id) ?? [];
    if (mine.length === 0 && known.pending.length === 0) continue;
    next = set(next, { ...known, pending: mine }, known.timeline?.messages);
  }
  return next;
}
