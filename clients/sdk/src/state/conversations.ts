// A conversation as its member sees it, and the rules of "Coming back" that keep it true:
// old snapshot + events = fresh snapshot.
import type {
  Changes,
  Conversation,
  ConversationRow,
  EventFrame,
  History,
  Marker,
  Member,
  Message,
  Peer,
  Role,
} from '../wire.js';
import { arrived, departed, present, readMarkers, type Markers } from './markers.js';
import { putMembers, readMembers, type Members } from './members.js';
import { addPage, put, type PageRead, type Timeline } from './messages.js';
import type { Pending } from './pending.js';
import { gather, whole, type Pieces } from './pieces.js';
import { ends, nobody, type Typing } from './typing.js';
import { countAfter, countChange, counted, exceeds } from './unread.js';

export interface ConversationState {
  readonly id: number;
  readonly row: ConversationRow;
  readonly role: Role;
  /** Out of the list until something happens in it. */
  readonly hidden: boolean;
  /** The number of the last change that was seen. */
  readonly cursor: number;
  readonly readSeq: number;
  /** Others' messages after the read marker; 1000 means "1000 or more". */
  readonly unread: number;
  readonly lastMessage: Message | null;
  readonly peer: Peer | null;
  /** Present members by id; `null` until they are loaded. */
  readonly members: Members | null;
  readonly markers: Markers;
  readonly typing: Typing;
  /** `null` until it is opened. */
  readonly timeline: Timeline | null;
  /** What is written and not yet in it, in order. */
  readonly pending: readonly Pending[];
  /** For the SDK itself. */
  readonly inner: Inner;
}

/** What keeps the rest true while several answers are under way. */
export interface Inner {
  /** The count of unread messages takes account of everything up to this number. */
  readonly countedTo: number;
  /** The count could not be told when the read marker moved. */
  readonly uncounted: boolean;
  /** What was read may hold changes up to this number, of which events are still to come. */
  readonly readTo: number;
  /** On this connection events follow from this number; what was before is told by the list. */
  readonly liveFrom: number;
  /** The last number that was heard on this connection, applied or held. */
  readonly heard: number;
  /** On this connection it was put into the list: a list that was read before does not count. */
  readonly added: boolean;
  /** Nothing up to this number brings it back into the list. */
  readonly hiddenAt: number;
  /** Events after a hole, until it is filled. */
  readonly gap: 'sync' | 'reset' | null;
  readonly held: readonly NumberedFrame[];
  /** The pieces of a long catch-up that have come before its last; they outlast the connection. */
  readonly pieces: Pieces | null;
  /** Which readings are under way, and what changed meanwhile. */
  readonly readings: ReadonlySet<number>;
  readonly touchedMessages: readonly Message[];
  readonly touchedMembers: readonly Member[];
}

/** An event with its number. */
export type NumberedFrame = Extract<EventFrame, { readonly seq: number }>;

/** What the reducers of one conversation must know besides it. */
export interface Context {
  readonly me: number | null;
  readonly windowSize: number;
}

/** What must be asked for. */
export type Want =
  | { readonly type: 'sync'; readonly conversation: number; readonly since: number }
  | { readonly type: 'reread'; readonly conversation: number }
  | { readonly type: 'row'; readonly conversation: number };

export interface Step {
  readonly next: ConversationState;
  readonly wants: readonly Want[];
  /** Messages that just came. */
  readonly news: readonly Message[];
}

function step(next: ConversationState, wants: readonly Want[] = [], news: readonly Message[] = []): Step {
  return { next, wants, news };
}

function withInner(state: ConversationState, inner: Partial<Inner>): ConversationState {
  return { ...state, inner: { ...state.inner, ...inner } };
}

// Rows ---------------------------------------------------------------------------------------------

/** What all members see alike, out of what one of them sees. */
export function rowOf(from: ConversationRow): ConversationRow {
  const { id, kind, visibility, name, topic, created_by, created_at, head, rev, member_count } = from;
  return { id, kind, visibility, name, topic, created_by, created_at, head, rev, member_count };
}

/** A conversation of which nothing was known. */
export function begin(fresh: Conversation): ConversationState {
  return {
    id: fresh.id,
    row: rowOf(fresh),
    role: fresh.role,
    hidden: false,
    cursor: fresh.head,
    readSeq: fresh.read_seq,
    unread: fresh.unread,
    lastMessage: fresh.last_message,
    peer: fresh.peer,
    members: null,
    markers: new Map(),
    typing: nobody,
    timeline: null,
    pending: [],
    inner: {
      countedTo: fresh.head,
      uncounted: false,
      readTo: fresh.head,
      liveFrom: fresh.head,
      heard: fresh.head,
      added: false,
      hiddenAt: 0,
      gap: null,
      held: [],
      pieces: null,
      readings: new Set(),
      touchedMessages: [],
      touchedMembers: [],
    },
  };
}

/** Takes a fresh reading; the cursor stays, for what lies between is still to be heard. */
export function takeRow(state: ConversationState, fresh: Conversation): Step {
  const peer = fresh.peer ?? state.peer;
  if (fresh.head < state.row.head) return step(samePeer(state, peer), recount(state, fresh));
  const next: ConversationState = {
    ...samePeer(state, peer),
    row: fresh.head === state.row.head && fresh.rev === state.row.rev ? state.row : rowOf(fresh),
    role: fresh.role,
    lastMessage: newerLast(state.lastMessage, fresh.last_message),
  };
  // A marker that was moved here is on its way; its answer settles what is unread.
  if (fresh.read_seq < state.readSeq) return step(next);
  const unread = { readSeq: fresh.read_seq, unread: fresh.unread };
  return step(withInner({ ...next, ...unread }, { countedTo: fresh.head, uncounted: false }));
}

/** A reading that came too late is repeated if it was needed, or tells of a marker that was moved elsewhere. */
function recount(state: ConversationState, fresh: Conversation): Want[] {
  return state.inner.uncounted || fresh.read_seq > state.readSeq
    ? [{ type: 'row', conversation: state.id }]
    : [];
}

function samePeer(state: ConversationState, peer: Peer | null): ConversationState {
  const same = JSON.stringify(peer) === JSON.stringify(state.peer);
  return same ? state : { ...state, peer };
}

function newerLast(known: Message | null, message: Message | null): Message | null {
  if (!message || !known) return message ?? known;
  if (message.seq === known.seq) return message.rev > known.rev ? message : known;
  return message.seq > known.seq ? message : known;
}

// Events -------------------------------------------------------------------------------------------

/** So many events of a conversation wait for a hole before them to be filled. */
export const MOST_HELD = 1000;

/** Takes an event: applies the next one, drops a repeat, asks when there is a hole. */
export function takeEvent(before: ConversationState, frame: NumberedFrame, context: Context): Step {
  const heard = Math.max(before.inner.heard, frame.seq);
  const state = heard === before.inner.heard ? before : withInner(before, { heard });
  if (frame.seq <= state.cursor) return step(state);
  const { gap, held } = state.inner;
  // Of too many only the newest is held: when the hole is filled, it shows that there is another one.
  if (gap) return step(withInner(state, { held: held.length < MOST_HELD ? [...held, frame] : [frame] }));
  if (frame.seq === state.cursor + 1) return applyEvent(state, frame, context);
  return step(withInner(state, { gap: 'sync', held: [frame] }), [
    { type: 'sync', conversation: state.id, since: state.cursor },
  ]);
}

function applyEvent(state: ConversationState, frame: NumberedFrame, context: Context): Step {
  const { next, wants, news } = applyData(state, frame, context);
  const row = frame.seq > next.row.head ? { ...next.row, head: frame.seq } : next.row;
  const countedTo = Math.max(next.inner.countedTo, frame.seq);
  const hidden = next.hidden && frame.seq <= next.inner.hiddenAt;
  return step(withInner({ ...next, row, hidden, cursor: frame.seq }, { countedTo }), wants, news);
}

function applyData(state: ConversationState, frame: NumberedFrame, context: Context): Step {
  switch (frame.type) {
    case 'message.created':
      return countMessage(said(putMessage(state, frame.data, context), frame.data), frame.data, context);
    case 'message.edited':
      return step(putMessage(state, frame.data, context));
    case 'message.deleted':
      return countMessage(putMessage(state, frame.data, context), frame.data, context);
    case 'reaction.added':
    case 'reaction.removed':
      return step(putMessage(state, frame.data.message, context));
    case 'member.joined':
    case 'member.left':
      return step(putPlace(counts(state, frame.data.member_count, frame.seq), frame.data.member, context));
    case 'member.updated':
      return step(putPlace(state, frame.data, context));
    case 'conversation.updated':
    case 'conversation.created':
      return step(frame.seq > state.row.head ? { ...state, row: rowOf(frame.data) } : state);
    default:
      // A type that was added to the protocol later: what it changes can be read.
      return step(state, [{ type: 'row', conversation: state.id }]);
  }
}

/** A repeat of what a fresh row has already told of must not take it back. */
function counts(state: ConversationState, member_count: number, seq: number): ConversationState {
  return seq > state.row.head ? { ...state, row: { ...state.row, member_count } } : state;
}

function putMessage(state: ConversationState, message: Message, { windowSize }: Context): ConversationState {
  const { inner } = state;
  return {
    ...state,
    lastMessage: newerLast(state.lastMessage, message),
    timeline: state.timeline && put(state.timeline, message, windowSize),
    inner: {
      ...inner,
      readTo: Math.max(inner.readTo, message.rev),
      touchedMessages: inner.readings.size > 0 ? [...inner.touchedMessages, message] : inner.touchedMessages,
    },
  };
}

/** Whoever has said something writes no longer. */
function said(state: ConversationState, { author }: Message): ConversationState {
  return { ...state, typing: ends(state.typing, author.id) };
}

function countMessage(state: ConversationState, message: Message, { me }: Context): Step {
  const news = message.deleted_at === null ? [message] : [];
  const change = countChange(message, state.readSeq, state.inner.countedTo, me);
  const next = change === 0 ? state : { ...state, unread: counted(state.unread, change) };
  return step(next, exceeds(state.unread, change) ? [{ type: 'row', conversation: state.id }] : [], news);
}

/** `readTo`: how far they have read, if they were not known as a member before. */
function putPlace(
  state: ConversationState,
  member: Member,
  { me }: Context,
  readTo: number = member.rev,
): ConversationState {
  const { inner } = state;
  const user = member.user.id;
  const first = !state.members?.has(user) && member.role !== null;
  let markers = state.markers;
  if (member.role === null) markers = departed(markers, user);
  else if (first && state.members) markers = arrived(markers, user, readTo);
  return {
    ...state,
    role: user === me && member.role !== null && member.rev > state.row.head ? member.role : state.role,
    members: state.members && putMembers(state.members, [member]),
    markers,
    typing: member.role === null ? ends(state.typing, user) : state.typing,
    inner: inner.readings.size > 0 ? { ...inner, touchedMembers: [...inner.touchedMembers, member] } : inner,
  };
}

// Catching up --------------------------------------------------------------------------------------

/** The number from which to go on: further than the cursor while the pieces of a long catch-up are gathered. */
export function resumesFrom({ cursor, inner }: ConversationState): number {
  return Math.max(cursor, inner.pieces?.to ?? 0);
}

/** Takes what leads from one number to another, then the events that were held back. */
export function takeChanges(state: ConversationState, changes: Changes, context: Context): Step {
  if (changes.reset) {
    const inner = { gap: 'reset', pieces: null } as const;
    return step(withInner(state, inner), [{ type: 'reread', conversation: state.id }]);
  }
  if (changes.from > resumesFrom(state)) {
    const want: Want = { type: 'sync', conversation: state.id, since: resumesFrom(state) };
    return step(withInner(state, { gap: 'sync' }), [want]);
  }
  if (state.inner.gap === 'reset') return step(state);
  const { pieces } = state.inner;
  // Events wait for the last piece: what has come of it so far is a place to go on from, and no state.
  if (changes.more) return step(withInner(state, { gap: 'sync', pieces: gather(pieces, changes) }));
  const all = whole(pieces, changes);
  const gathered = pieces ? withInner(state, { pieces: null }) : state;
  const caughtUp = all.to > state.cursor ? applyChanges(gathered, all, context) : step(gathered);
  return release(caughtUp, context);
}

function applyChanges(state: ConversationState, changes: Changes, context: Context): Step {
  const base = state.inner.countedTo;
  const { hiddenAt, liveFrom } = state.inner;
  let next: ConversationState = {
    ...state,
    hidden: state.hidden && changes.to <= Math.max(hiddenAt, liveFrom),
  };
  let uncertain = false;
  for (const message of changes.messages) {
    next = putMessage(next, message, context);
    const change = countAfter(message, state.readSeq, base, changes.to, context.me);
    uncertain ||= exceeds(next.unread, change);
    next = { ...next, unread: counted(next.unread, change) };
  }
  for (const member of changes.members) {
    // Everybody comes in as a member. Whoever is more came before their last change: a marker that is too far on would
    // stay, but one that is too far back moves on with the next list of them.
    next = putPlace(next, member, context, member.role === 'member' ? member.rev : changes.from);
  }
  const row = changes.to >= next.row.head ? rowOf(changes.conversation) : next.row;
  next = withInner({ ...next, row, cursor: changes.to }, { countedTo: Math.max(base, changes.to) });
  return step(next, uncertain ? [{ type: 'row', conversation: state.id }] : []);
}

/** The hole is filled: applies the events that were held back. */
function release(from: Step, context: Context): Step {
  const held = from.next.inner.held;
  let next = withInner(from.next, { gap: null, held: [] });
  const [wants, news] = [[...from.wants], [...from.news]];
  for (const frame of held) {
    const taken = takeEvent(next, frame, context);
    next = taken.next;
    wants.push(...taken.wants);
    news.push(...taken.news);
  }
  return step(next, wants, news);
}

/** What was read in place of what was known. */
export interface Reread {
  readonly row: Conversation;
  /** The newest page, if the conversation is open. */
  readonly page: History | null;
  readonly members: readonly Member[] | null;
  readonly markers: readonly Marker[] | null;
}

/** Takes a conversation that was read anew: first the row, then the rest. */
export function takeReread(state: ConversationState, read: Reread, context: Context): Step {
  const { row, page } = read;
  const fresh = begin(row);
  const members = read.members && readMembers(state.members, read.members, []);
  const next: ConversationState = {
    ...fresh,
    hidden: state.hidden,
    markers: present(read.markers ? readMarkers(state.markers, read.markers) : state.markers, members),
    pending: state.pending,
    readSeq: Math.max(fresh.readSeq, state.readSeq),
    members,
    timeline:
      page &&
      state.timeline &&
      addPage(state.timeline, { where: 'newest', beside: null, page }, [], context.windowSize),
    inner: {
      ...fresh.inner,
      held: state.inner.held,
      liveFrom: state.inner.liveFrom,
      heard: state.inner.heard,
      added: state.inner.added,
      hiddenAt: state.inner.hiddenAt,
      readings: state.inner.readings,
      uncounted: fresh.readSeq < state.readSeq,
      readTo: Math.max(fresh.inner.readTo, page ? newestRev(page) : 0),
    },
  };
  return release(step(next), context);
}

/** Takes it out of the list, until something happens after what was heard of it. */
export function hide(state: ConversationState): ConversationState {
  return withInner({ ...state, hidden: true }, { hiddenAt: state.inner.heard });
}

/** Whether something has happened on this connection that puts it into the list. */
export function lively({ inner }: ConversationState): boolean {
  return inner.added || inner.heard > inner.liveFrom;
}

/** It was put into the list (again). */
export function show(state: ConversationState): ConversationState {
  return withInner({ ...state, hidden: false }, { added: true });
}

/** A line is there again: events follow from this number. */
export function follow(state: ConversationState, head: number): ConversationState {
  return withInner(state, { liveFrom: head, heard: head, added: false });
}

/** The line is cut: what fills a hole will come otherwise, and who still writes is not told. */
export function cut(state: ConversationState): ConversationState {
  if (state.inner.gap === null && state.typing.size === 0) return state;
  return withInner({ ...state, typing: nobody }, { gap: null, held: [] });
}

// Reading ------------------------------------------------------------------------------------------

/** A reading begins: what changes from now on must be put onto its result. */
export function beginReading(state: ConversationState, reading: number): ConversationState {
  return withInner(state, { readings: new Set(state.inner.readings).add(reading) });
}

/** A reading ended. */
export function endReading(state: ConversationState, reading: number): ConversationState {
  const readings = new Set(state.inner.readings);
  readings.delete(reading);
  return withInner(
    state,
    readings.size > 0 ? { readings } : { readings, touchedMessages: [], touchedMembers: [] },
  );
}

/** Takes a page of history into the timeline. */
export function takePage(
  state: ConversationState,
  read: PageRead,
  { windowSize }: Context,
): ConversationState {
  const { page } = read;
  if (!state.timeline) return state;
  const timeline = addPage(state.timeline, read, state.inner.touchedMessages, windowSize);
  const readTo = Math.max(state.inner.readTo, newestRev(page));
  const newest = timeline.hasMoreAfter ? null : (timeline.messages.at(-1) ?? null);
  return withInner({ ...state, timeline, lastMessage: newerLast(state.lastMessage, newest) }, { readTo });
}

/** The last change of which a page may know. */
function newestRev(page: History): number {
  return page.messages.reduce((newest, { rev }) => Math.max(newest, rev), page.head);
}

/** Takes the list of members. */
export function takeMembers(state: ConversationState, listed: readonly Member[]): ConversationState {
  const members = readMembers(state.members, listed, state.inner.touchedMembers);
  return { ...state, members, markers: present(state.markers, members) };
}

/** Takes the list of markers. */
export function takeMarkers(state: ConversationState, listed: readonly Marker[]): ConversationState {
  return { ...state, markers: present(readMarkers(state.markers, listed), state.members) };
}
