// Messages that are written and not yet in the conversation, as the outbox has them.
import type { Refusal } from '../problem.js';
import type { Message } from '../wire.js';

export interface Pending {
  readonly clientId: string;
  readonly conversation: number;
  readonly text: string;
  /** The `seq` of the message that it answers. */
  readonly parent: number | null;
  /** The `seq` of the message in whose thread it will stand; `null` in the room. */
  readonly thread: number | null;
  /** Whether a reply in a thread will stand in the room as well. */
  readonly alsoInRoom: boolean;
  /** When it was written, in milliseconds since 1970. */
  readonly at: number;
  readonly state: 'waiting' | 'sending' | 'failed';
  readonly refusal: Refusal | null;
  /** Its place, once the server has said it; it stays pending until that place was reached. */
  readonly seq: number | null;
}

/** The pending messages that have not arrived: neither seen, nor known to be at a place that was passed already. */
export function unsettled(
  pending: readonly Pending[],
  seen: Iterable<Message>,
  me: number | null,
  cursor: number,
): readonly Pending[] {
  if (pending.length === 0) return pending;
  const arrived = new Set<string>();
  for (const message of seen) {
    if (message.author.id === me && message.client_id !== null) arrived.add(message.client_id);
  }
  const left = pending.filter((it) => !arrived.has(it.clientId) && !(it.seq !== null && it.seq <= cursor));
  return left.length === pending.length ? pending : left;
}
