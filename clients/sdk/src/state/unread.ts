// How many messages of others come after the read marker. The server counts those that are not deleted, up to a cap.
import type { Message } from '../wire.js';
import { counts, countsForMe, type Viewer } from './mentions.js';
import type { ConversationState } from './state.js';

/** The server counts no further. */
export const UNREAD_CAP = 100;

/** The change of the count by a new or a just deleted message, unless the count includes it already. */
export function countChange(message: Message, readSeq: number, countedTo: number, me: number | null): number {
  if (message.rev <= countedTo || message.seq <= readSeq || message.author.id === me) return 0;
  return message.deleted_at === null ? 1 : -1;
}

/**
 * The change of a count that was made at `base` and is to become that of `to`, by a message's present state.
 * The state may be newer than `to`; later changes are still to come, and count then.
 */
export function countAfter(
  message: Message,
  readSeq: number,
  base: number,
  to: number,
  me: number | null,
): number {
  if (message.seq <= readSeq || message.author.id === me) return 0;
  const deleted = message.deleted_at !== null && message.rev <= to;
  if (message.seq > base) return message.seq > to || deleted ? 0 : 1;
  return deleted && message.rev > base ? -1 : 0;
}

export function counted(unread: number, change: number): number {
  return Math.min(UNREAD_CAP, Math.max(0, unread + change));
}

/** Whether one less than "100 or more" must be asked for. */
export function exceeds(unread: number, change: number): boolean {
  return change < 0 && unread >= UNREAD_CAP;
}

/** Moves one's own read marker forward, and counts again if enough is known for that. */
export function readTo(state: ConversationState, readSeq: number, viewer: Viewer): ConversationState {
  const unread = unreadOf(state, readSeq, viewer.me);
  if (unread === null) return { ...state, readSeq, inner: { ...state.inner, uncounted: true } };
  const forMe = unread.filter((message) => countsForMe(message, viewer));
  const now = counts(state, capped(unread), capped(forMe));
  return { ...state, readSeq, ...now, inner: { ...state.inner, uncounted: false } };
}

function capped(messages: readonly Message[]): number {
  return Math.min(UNREAD_CAP, messages.length);
}

/** The unread messages, if all of them are known. */
function unreadOf(
  { lastMessage, timeline, inner, cursor }: ConversationState,
  readSeq: number,
  me: number | null,
): readonly Message[] | null {
  if (!lastMessage || readSeq >= lastMessage.seq) return [];
  // The known messages must be exactly those of the events up to now.
  if (!timeline || timeline.hasMoreAfter || timeline.loading === 'around') return null;
  if (inner.readTo > cursor || inner.countedTo > cursor) return null;
  const reaches = !timeline.hasMoreBefore || (timeline.messages[0]?.seq ?? Infinity) <= readSeq + 1;
  if (!reaches) return null;
  return timeline.messages.filter(
    (message) => message.seq > readSeq && message.author.id !== me && message.deleted_at === null,
  );
}
