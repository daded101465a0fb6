// A timeline: a window on a conversation's messages, without gaps between its first and its last.
import type { History, Message } from '../wire.js';

export interface Timeline {
  /** By `seq`, ascending, without gaps. */
  readonly messages: readonly Message[];
  readonly hasMoreBefore: boolean;
  readonly hasMoreAfter: boolean;
  readonly loading: 'before' | 'after' | 'around' | null;
}

/** Which page of history it is. */
export type Where = 'newest' | 'around' | 'before' | 'after';

/** A page of history that was read. */
export interface PageRead {
  readonly where: Where;
  /** The `seq` before or after which it was read. */
  readonly beside: number | null;
  readonly page: History;
}

/** Empty, while it is read for the first time: what happens meanwhile belongs to the page that is on its way. */
export const unloaded: Timeline = {
  messages: [],
  hasMoreBefore: true,
  hasMoreAfter: true,
  loading: 'around',
};

/** The index of the first message whose `seq` is not smaller. */
function place(messages: readonly Message[], seq: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function find(messages: readonly Message[], seq: number): Message | undefined {
  const found = messages[place(messages, seq)];
  return found?.seq === seq ? found : undefined;
}

/** Puts a message's present state where it belongs, if that is in the window. */
export function put(timeline: Timeline, message: Message, size: number): Timeline {
  const { messages } = timeline;
  const at = place(messages, message.seq);
  const known = messages[at];
  if (known?.seq === message.seq) {
    return known.rev >= message.rev
      ? timeline
      : { ...timeline, messages: replaced(messages, at, 1, message) };
  }
  if (isOutside(timeline, at)) return timeline;
  return fitted({ ...timeline, messages: replaced(messages, at, 0, message) }, size, 'end');
}

/** The same list with a message in place of so many at `at`. Not by `toSpliced`, which is too new for some. */
function replaced(messages: readonly Message[], at: number, many: 0 | 1, message: Message): Message[] {
  return [...messages.slice(0, at), message, ...messages.slice(at + many)];
}

/**
 * Whether a message at this place is one of those that the window does not hold. Within it there are no gaps: one that
 * is not known there was changed while what was missed was read, and comes with its change.
 */
function isOutside({ messages, hasMoreBefore, hasMoreAfter }: Timeline, at: number): boolean {
  if (at === messages.length) return hasMoreAfter;
  return at === 0 && hasMoreBefore;
}

/** Drops what is beyond the window's size, keeping the given end. */
function fitted(timeline: Timeline, size: number, keep: 'start' | 'end'): Timeline {
  const { messages } = timeline;
  if (messages.length <= size) return timeline;
  return keep === 'end'
    ? { ...timeline, messages: messages.slice(-size), hasMoreBefore: true }
    : { ...timeline, messages: messages.slice(0, size), hasMoreAfter: true };
}

/** The newer state of each message, so that what did not change stays the same object. */
function newest(timeline: Timeline, page: History): Message[] {
  return page.messages.map((message) => {
    const known = find(timeline.messages, message.seq);
    return known && known.rev >= message.rev ? known : message;
  });
}

/** Adds a page of history. `touched` is what changed while it was under way. */
export function addPage(
  timeline: Timeline,
  read: PageRead,
  touched: Iterable<Message>,
  size: number,
): Timeline {
  let next = joined(timeline, read, size);
  for (const message of touched) next = put(next, message, size);
  return next;
}

/** Whether the page still belongs beside the window, which may have moved while it was under way. */
export function fits({ messages }: Timeline, { where, beside }: PageRead): boolean {
  if (where === 'before') return messages[0]?.seq === beside;
  return where !== 'after' || messages.at(-1)?.seq === beside;
}

function joined(timeline: Timeline, read: PageRead, size: number): Timeline {
  if (!fits(timeline, read)) return { ...timeline, loading: null };
  const { page } = read;
  const messages = newest(timeline, page);
  const [hasMoreBefore, hasMoreAfter] = [page.has_more_before, page.has_more_after];
  switch (read.where) {
    case 'before': {
      const all = [...messages, ...timeline.messages];
      return fitted({ ...timeline, messages: all, hasMoreBefore, loading: null }, size, 'start');
    }
    case 'after': {
      const all = [...timeline.messages, ...messages];
      return fitted({ ...timeline, messages: all, hasMoreAfter, loading: null }, size, 'end');
    }
    default:
      return fitted({ messages, hasMoreBefore, hasMoreAfter, loading: null }, size, 'end');
  }
}

/** The last change that a page may know of. */
export function newestRev(page: History): number {
  return page.messages.reduce((newest, { rev }) => Math.max(newest, rev), page.head);
}
