// Messages that the person is to be told of, each once: those of others that are unread, whether they came live or in a
// gap, and that notify by one's settings. Each waits a moment first, because somebody who reads it on another device or in another tab says so right away.
import type { Message } from '../wire.js';
import { isForMe } from './mentions.js';
import { notifies } from './notifications.js';
import { put } from './put.js';
import { isInRoom, threadKey } from './threads.js';
import {
  contextOf,
  only,
  withInner,
  type Context,
  type ConversationState,
  type Reduced,
  type State,
} from './state.js';

/** Unread messages of one conversation that the person was not told of. */
export interface Notice {
  readonly conversation: number;
  /** Oldest first; of more than 20 the newest. */
  readonly messages: readonly Message[];
  /** How many there are, with those that are not among `messages`. */
  readonly count: number;
  /** True if the first of them came while there was no connection. */
  readonly missed: boolean;
}

/** Messages that wait to be told of. */
export interface Untold extends Omit<Notice, 'conversation'> {
  /** Those up to this number have waited long enough. */
  readonly agedTo: number;
}

/** What is known for telling, beside the conversations. */
export interface Telling {
  /** On this connection the read markers are known: the list was read, or nothing was missed. */
  readonly fresh: boolean;
  /** The conversations in which something waits to be told of. */
  readonly waiting: ReadonlySet<number>;
  /** Of conversations whose row is not known: messages up to this number are no news. */
  readonly oldTo: ReadonlyMap<number, number>;
}

type Whose = Pick<Context, 'me' | 'groups' | 'followed'>;

/** Of more messages in one conversation only the newest are kept. */
const MOST = 20;

/** Messages have come; those of others that are unread wait to be told of. */
export function come(
  state: ConversationState,
  messages: readonly Message[],
  missed: boolean,
  context: Whose,
): ConversationState {
  const unread = messages.filter((it) => isNews(it, readTo(state, it, context), context.me));
  return unread.length === 0 ? state : withUntold(state, joined(state.inner.untold, unread, missed));
}

/**
 * A conversation was read in place of its changes since `since`: of many messages only some are known.
 * The rest are counted by the number of unread ones.
 */
export function comeUncounted(
  state: ConversationState,
  messages: readonly Message[],
  since: number,
  context: Whose,
): ConversationState {
  const told = come(
    state,
    messages.filter(({ seq }) => seq > since),
    true,
    context,
  );
  const { untold } = told.inner;
  if (!untold || untold === state.inner.untold) return told;
  const between = told.row.head - Math.max(since, told.readSeq);
  return withUntold(told, { ...untold, count: Math.max(untold.count, Math.min(told.unread, between)) });
}

/** A message has another state: what waits is told as it is, and not at all once it is deleted. */
export function changed(state: ConversationState, message: Message): ConversationState {
  const { untold } = state.inner;
  const at = untold?.messages.findIndex(({ seq }) => seq === message.seq) ?? -1;
  if (!untold || at < 0 || (untold.messages[at]?.rev ?? 0) >= message.rev) return state;
  const [before, after] = [untold.messages.slice(0, at), untold.messages.slice(at + 1)];
  if (message.deleted_at === null)
    return withUntold(state, { ...untold, messages: [...before, message, ...after] });
  const messages = [...before, ...after];
  return withUntold(state, messages.length === 0 ? null : { ...untold, messages, count: untold.count - 1 });
}

/** Tells of what has waited since the last time and is still unread; the rest waits until the next time. */
export function tell(state: State, now: number): Reduced {
  if (!state.telling.fresh) return only(state);
  let next = state;
  const notices: Notice[] = [];
  for (const conversation of state.telling.waiting) {
    const known = next.conversations.get(conversation);
    if (!known) continue;
    const untold = unread(known, contextOf(state));
    const isDue = untold !== null && (untold.messages[0]?.seq ?? Infinity) <= untold.agedTo;
    if (isDue) {
      const { messages, count, missed } = untold;
      const wanted = messages.filter((message) => notifies(message, known, state, now));
      const all = wanted.length === messages.length;
      if (wanted.length > 0)
        notices.push({ conversation, messages: wanted, count: all ? count : wanted.length, missed });
    }
    const aged = untold && { ...untold, agedTo: untold.messages.at(-1)?.seq ?? 0 };
    next = put(next, withUntold(known, isDue ? null : aged));
  }
  return { ...only(next), notices };
}

/** Whether there is something to tell of as soon as it has waited. */
export function hasToTell({ telling }: State): boolean {
  return telling.fresh && telling.waiting.size > 0;
}

/** The part of what waits that is still unread. */
function unread(known: ConversationState, context: Whose): Untold | null {
  const { untold } = known.inner;
  if (!untold) return null;
  const messages = untold.messages.filter((it) => it.seq > readTo(known, it, context));
  if (messages.length === 0) return null;
  const read = untold.messages.length - messages.length;
  return { ...untold, messages, count: read > 0 ? messages.length : untold.count };
}

/**
 * Up to which number one has read where a message stands. Of threads that one does not follow only what is for one is
 * told, as long as one has not read on in the room.
 */
function readTo({ id, readSeq }: ConversationState, message: Message, context: Whose): number {
  if (isInRoom(message)) return readSeq;
  const read = context.followed?.get(threadKey(id, message.thread ?? 0))?.readSeq;
  return read ?? (isForMe(message, context) ? readSeq : Infinity);
}

function isNews(message: Message, readSeq: number, me: number | null): boolean {
  return message.author.id !== me && message.deleted_at === null && message.seq > readSeq;
}

function joined(before: Untold | null, more: readonly Message[], missed: boolean): Untold {
  const known = new Set(before?.messages.map(({ seq }) => seq));
  const fresh = more.filter(({ seq }) => !known.has(seq));
  const messages = [...(before?.messages ?? []), ...fresh].slice(-MOST);
  return {
    messages,
    count: (before?.count ?? 0) + fresh.length,
    missed: before?.missed ?? missed,
    agedTo: before?.agedTo ?? 0,
  };
}

function withUntold(state: ConversationState, untold: Untold | null): ConversationState {
  return untold === state.inner.untold ? state : withInner(state, { untold });
}
