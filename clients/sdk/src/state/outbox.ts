// The outbox, as the state shows it: pending messages by conversation.
import type { Pending } from './pending.js';
import { put } from './put.js';
import type { State } from './state.js';

/** Takes the whole outbox; messages that have arrived already are left out. */
export function takeOutbox(state: State, all: readonly Pending[]): State {
  const grouped = new Map<number, Pending[]>();
  for (const it of all) grouped.set(it.conversation, [...(grouped.get(it.conversation) ?? []), it]);
  let next: State = { ...state, outbox: grouped };
  for (const known of state.conversations.values()) {
    const mine = grouped.get(known.id) ?? [];
    if (mine.length === 0 && known.pending.length === 0) continue;
    next = put(next, { ...known, pending: mine }, known.timeline?.messages);
  }
  return next;
}
