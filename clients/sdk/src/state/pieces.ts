// The pieces of a long catch-up. They are merged by `rev`, so one alone is no state: a message that was changed again
// comes in a later piece than its neighbours. They are gathered, and taken as one when the last has come; until then
// they say from where to go on if the line is cut.
import type { Changes, Member, Message, ThreadSummary } from '../wire.js';
import type { ConversationState } from './state.js';

export interface Pieces {
  readonly from: number;
  /** The cursor to go on from. */
  readonly to: number;
  readonly members: ReadonlyMap<number, Member>;
  readonly messages: ReadonlyMap<number, Message>;
  readonly threads: ReadonlyMap<number, ThreadSummary>;
}

/** The number from which to go on: further than the cursor while the pieces of a long catch-up are gathered. */
export function resumesFrom({ cursor, inner }: ConversationState): number {
  return Math.max(cursor, inner.pieces?.to ?? 0);
}

/** Adds a piece to those before it; the later state of a row stands for it. */
export function gather(before: Pieces | null, piece: Changes): Pieces {
  const members = new Map(before?.members);
  const messages = new Map(before?.messages);
  const threads = new Map(before?.threads);
  for (const member of piece.members) {
    if ((members.get(member.user.id)?.rev ?? 0) <= member.rev) members.set(member.user.id, member);
  }
  for (const message of piece.messages) {
    if ((messages.get(message.seq)?.rev ?? 0) <= message.rev) messages.set(message.seq, message);
  }
  // Servers before feature level 7 tell of none.
  for (const thread of (piece.threads as readonly ThreadSummary[] | undefined) ?? []) {
    if ((threads.get(thread.root)?.rev ?? 0) <= thread.rev) threads.set(thread.root, thread);
  }
  const from = before?.from ?? piece.from;
  return { from, to: Math.max(before?.to ?? 0, piece.to), members, messages, threads };
}

/** All pieces up to this last one, as one answer. */
export function whole(before: Pieces | null, last: Changes): Changes {
  if (!before) return last;
  const { from, to, members, messages, threads } = gather(before, last);
  return {
    ...last,
    from,
    to,
    members: [...members.values()],
    threads: [...threads.values()],
    messages: [...messages.values()].sort((one, other) => one.seq - other.seq),
  };
}
