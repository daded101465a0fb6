// Threads: what roots show of them, those that are open, and those that one follows. What stands in a thread only is no
// part of the room's timeline.
import type { Events, FollowedThread, History, Message, Thread, ThreadSummary } from '../wire.js';
import type { NotificationLevel } from './notifications.js';
import { put as putKnown } from './put.js';
import {
  only,
  type Bounds,
  type ConversationState,
  type NumberedFrame,
  type Reduced,
  type Reducers,
  type State,
} from './state.js';
import { addPage, put, unloaded, type PageRead, type Timeline } from './timeline.js';
import { counted, exceeds } from './unread.js';

/** The first feature level of a server that knows threads. */
const LEVEL = 7;

/** A thread that is open. */
export interface ThreadState {
  /** The message that it is about; `null` until it is read. */
  readonly root: Message | null;
  readonly timeline: Timeline;
  /** For the SDK itself: what has changed while a page was under way. */
  readonly touched: readonly Message[];
}

/** A thread that one follows. */
export interface FollowedState {
  readonly conversation: number;
  /** The `seq` of the message that it is about. */
  readonly thread: number;
  readonly readSeq: number;
  /** Which replies notify; `null`: as in its conversation. */
  readonly level: NotificationLevel | null;
  /** Others' replies after that; 100 means "100 or more". */
  readonly unread: number;
  /** The message that it is about, if it was read. */
  readonly message: Message | null;
  /** For the SDK itself: the number of the last change of it in the account. */
  readonly rev: number;
  /** For the SDK itself: the count includes every change up to this number. */
  readonly countedTo: number;
}

/** By conversation and root; see `threadKey`. */
export type Followed = ReadonlyMap<string, FollowedState>;

export function threadKey(conversation: number, thread: number): string {
  return `${conversation}/${thread}`;
}

/** Whether the server knows threads. Others refuse what names one. */
export function knowsThreads({ featureLevel }: State): boolean {
  return featureLevel >= LEVEL;
}

/** Whether a message stands in the room; otherwise it is in its thread only. */
export function isInRoom({ thread, also_in_room }: Message): boolean {
  // Servers that know no threads say nothing of them.
  return ((thread as number | null | undefined) ?? null) === null || also_in_room;
}

// Summaries ----------------------------------------------------------------------------------------

/** The summary of the thread about a message; `null` if there is none. */
export function summaryOf(known: ConversationState, message: Message): ThreadSummary | null {
  return known.summaries.get(message.seq) ?? null;
}

/** A message without what it shows of the thread about it, which has a number of its own and is kept apart. */
export function apart(message: Message): Message {
  return message.summary ? { ...message, summary: null } : message;
}

/** A page of history of such messages. */
export function pageApart(page: History): History {
  return page.messages.some(({ summary }) => summary)
    ? { ...page, messages: page.messages.map(apart) }
    : page;
}

/** Takes what these messages show of the threads about them. */
export function putSummaries(known: ConversationState, messages: readonly Message[]): ConversationState {
  return messages.reduce((it, { summary }) => putSummary(it, summary), known);
}

/** Puts a thread's present state, unless a later one is known. */
export function putSummary(
  known: ConversationState,
  summary: ThreadSummary | null | undefined,
): ConversationState {
  if (!summary || (known.summaries.get(summary.root)?.rev ?? 0) >= summary.rev) return known;
  return { ...known, summaries: new Map(known.summaries).set(summary.root, summary) };
}

// Open threads -------------------------------------------------------------------------------------

/** Puts a message's present state into the thread where it is shown, if that is open. */
export function putInThread(known: ConversationState, message: Message, size: number): ConversationState {
  const thread = (message.thread as number | null | undefined) ?? null;
  const open = known.threads.get(thread ?? message.seq);
  if (!open) return known;
  if (thread === null) {
    if (!open.root || open.root.rev >= message.rev) return known;
    return withThread(known, message.seq, { ...open, root: apart(message) });
  }
  const touched = open.timeline.loading === null ? open.touched : [...open.touched, message];
  return withThread(known, thread, { ...open, timeline: put(open.timeline, message, size), touched });
}

export function openThread(known: ConversationState, thread: number): ConversationState {
  if (known.threads.has(thread)) return known;
  return withThread(known, thread, { root: null, timeline: unloaded, touched: [] });
}

export function closeThread(known: ConversationState, thread: number): ConversationState {
  if (!known.threads.has(thread)) return known;
  const threads = new Map(known.threads);
  threads.delete(thread);
  return { ...known, threads };
}

/** A page of an open thread is asked for, or could not be read. */
export function threadLoading(
  known: ConversationState,
  thread: number,
  loading: Timeline['loading'],
): ConversationState {
  const open = known.threads.get(thread);
  if (!open) return known;
  const touched = loading === null ? [] : open.touched;
  return withThread(known, thread, { ...open, timeline: { ...open.timeline, loading }, touched });
}

/** Takes a page of an open thread, and its root where that was read as well. */
export function takeThreadPage(
  known: ConversationState,
  thread: number,
  read: PageRead,
  root: Message | null,
  { windowSize }: Bounds,
): ConversationState {
  const open = known.threads.get(thread);
  if (!open) return known;
  const timeline = addPage(open.timeline, { ...read, page: pageApart(read.page) }, open.touched, windowSize);
  const newer = root && root.rev >= (open.root?.rev ?? 0) ? apart(root) : open.root;
  const next = withThread(known, thread, { root: newer, timeline, touched: [] });
  return putSummary(next, root?.summary);
}

function withThread(known: ConversationState, thread: number, state: ThreadState): ConversationState {
  return { ...known, threads: new Map(known.threads).set(thread, state) };
}

// Followed threads ---------------------------------------------------------------------------------

export const events: Reducers<'thread.followed'> = {
  'thread.followed': (state, { data }) => putFollowed(state, data),
};

/** One follows a thread or does so no longer, or has read on in it. */
export function putFollowed(state: State, data: Thread): Reduced {
  const key = threadKey(data.conversation, data.thread);
  const before = state.followed.get(key);
  if (before && before.rev > data.rev) return only(state);
  if (!data.follows) return only(before ? { ...state, followed: without(state.followed, key) } : state);
  const known = state.conversations.get(data.conversation);
  const last = known?.summaries.get(data.thread)?.last_seq ?? before?.countedTo ?? Infinity;
  const next: FollowedState = {
    conversation: data.conversation,
    thread: data.thread,
    readSeq: data.read_seq,
    level: levelOf(data),
    unread: data.read_seq >= last ? 0 : (before?.unread ?? 0),
    message: before?.message ?? null,
    rev: data.rev,
    countedTo: before?.countedTo ?? data.read_seq,
  };
  const followed = new Map(state.followed).set(key, next);
  // How many are left after a part was read, the server knows.
  const unsure = data.read_seq < last || next.message === null;
  return { ...only({ ...state, followed }), wants: unsure ? [{ type: 'threads' }] : [] };
}

/** Servers before feature level 8 have no levels of threads. */
function levelOf({ level }: Thread): NotificationLevel | null {
  return (level as Thread['level'] | undefined) ?? null;
}

/** One has read a thread up to here; the server is told, and says so in the account. */
export function readThread(state: State, conversation: number, thread: number, seq: number): State {
  const key = threadKey(conversation, thread);
  const before = state.followed.get(key);
  if (!before || before.readSeq >= seq) return state;
  const last = state.conversations.get(conversation)?.summaries.get(thread)?.last_seq ?? before.countedTo;
  const unread = seq >= last ? 0 : before.unread;
  return { ...state, followed: new Map(state.followed).set(key, { ...before, readSeq: seq, unread }) };
}

/** All threads that one follows were read. Those of which the account has told later stay as it told them. */
export function takeThreads(state: State, listed: readonly FollowedThread[]): State {
  const followed = new Map<string, FollowedState>();
  let next = state;
  for (const one of listed) {
    const key = threadKey(one.conversation, one.thread);
    const before = state.followed.get(key);
    const read = before && before.readSeq > one.read_seq;
    followed.set(key, {
      conversation: one.conversation,
      thread: one.thread,
      readSeq: read ? before.readSeq : one.read_seq,
      level: before && before.rev > one.rev ? before.level : levelOf(one),
      unread: read ? before.unread : one.unread,
      message: apart(one.message),
      rev: Math.max(one.rev, before?.rev ?? 0),
      countedTo: one.counted_to,
    });
    const known = next.conversations.get(one.conversation);
    if (known) next = putKnown(next, putSummary(known, one.message.summary));
  }
  return { ...next, followed, threadsRead: true };
}

/** Counts a reply that has come, or one that is gone, in a thread that one follows. */
export function countReply(reduced: Reduced, frame: NumberedFrame): Reduced {
  if (frame.type !== 'message.created' && frame.type !== 'message.deleted') return reduced;
  const message = (frame as Events['message.created']).data;
  const thread = (message.thread as number | null | undefined) ?? null;
  if (thread === null) return reduced;
  const { state } = reduced;
  const key = threadKey(frame.conversation, thread);
  const before = state.followed.get(key);
  if (!before || frame.seq <= before.countedTo) return reduced;
  const isOther = message.author.id !== state.me?.id && message.seq > before.readSeq;
  const change = !isOther ? 0 : frame.type === 'message.created' ? 1 : -1;
  const unread = counted(before.unread, change);
  const followed = new Map(state.followed).set(key, { ...before, unread, countedTo: frame.seq });
  const wants = exceeds(before.unread, change)
    ? [...reduced.wants, { type: 'threads' } as const]
    : reduced.wants;
  return { ...reduced, state: { ...state, followed }, wants };
}

/** Whether something of a thread that one follows is among these messages: then its count must be asked for. */
export function touchesFollowed(state: State, conversation: number, messages: readonly Message[]): boolean {
  const follows = ({ thread }: Message) =>
    ((thread as number | null | undefined) ?? null) !== null &&
    state.followed.has(threadKey(conversation, thread as number));
  return messages.some(follows);
}

/** Nothing of a conversation's threads is followed any more. */
export function forgetThreads(followed: Followed, conversation: number): Followed {
  const left = [...followed].filter(([, one]) => one.conversation !== conversation);
  return left.length === followed.size ? followed : new Map(left);
}

function without(followed: Followed, key: string): Followed {
  const next = new Map(followed);
  next.delete(key);
  return next;
}
