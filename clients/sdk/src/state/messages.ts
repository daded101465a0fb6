// A timeline: a window on a conversation's messages, without holes between its first and its last.
import type { History, Message } from '../wire.js';

export interface Timeline {
  /** By `seq`, ascending, without holes. */
  readonly messages: readonly Message[];
  readonly hasMoreBefore: boolean;
  readonly hasMoreAfter: boolean;
  readonly loading: 'before' | 'after' | 'around' | null;
}

/** Which page of history it is. */
export type Where = 'newest' | 'around' | 'before' | 'after';

/** Nothing yet: what happens meanwhile belongs to what is being read. */
export const unread: Timeline = { messages: [], hasMoreBefore: true, hasMoreAfter: true, loading: 'around' };

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
    return known.rev >= message.rev ? timeline : { ...timeline, messages: messages.with(at, message) };
  }
  if (at < messages.length || timeline.hasMoreAfter) return timeline;
  return fitted({ ...timeline, messages: [...messages, message] }, size, 'end');
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
  where: Where,
  page: History,
  touched: Iterable<Message>,
  size: number,
): Timeline {
  const messages = newest(timeline, page);
  let next = joined(timeline, where, page, messages, size);
  for (const message of touched) next = put(next, message, size);
  return next;
}

function joined(
  timeline: Timeline,
  where: Where,
  page: History,
  messages: Message[],
  size: number,
): Timeline {
  const known = timeline.messages;
  const first = known[0]?.seq ?? Infinity;
  const last = known.at(-1)?.seq ?? -1;
  switch (where) {
    case 'before': {
      const all = [...messages.filter((message) => message.seq < first), ...known];
      return fitted(
        { ...timeline, messages: all, hasMoreBefore: page.has_more_before, loading: null },
        size,
        'start',
      );
    }
    case 'after': {
      const all = [...known, ...messages.filter((message) => message.seq > last)];
      return fitted(
        { ...timeline, messages: all, hasMoreAfter: page.has_more_after, loading: null },
        size,
        'end',
      );
    }
    default: {
      const [hasMoreBefore, hasMoreAfter] = [page.has_more_before, page.has_more_after];
      return fitted({ messages, hasMoreBefore, hasMoreAfter, loading: null }, size, 'end');
    }
  }
}
