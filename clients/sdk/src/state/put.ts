// Puts conversations into the state.
import type { Message } from '../wire.js';
import type { Telling } from './notices.js';
import { unsettled } from './pending.js';
import { only, type ConversationState, type Reduced, type State, type Step } from './state.js';

/** Puts a conversation, without the pending messages that have become real in the same moment. */
export function put(state: State, next: ConversationState, seen: readonly Message[] = []): State {
  const visible = next.lastMessage ? [...seen, next.lastMessage] : seen;
  const left = unsettled(next.pending, visible, state.me?.id ?? null, next.cursor);
  const settled = left === next.pending ? next : { ...next, pending: left };
  if (state.conversations.get(next.id) === settled) return state;
  const outbox = left === next.pending ? state.outbox : new Map(state.outbox).set(next.id, left);
  const telling = withWaiting(state.telling, next.id, next.inner.untold !== null);
  return { ...state, outbox, telling, conversations: new Map(state.conversations).set(next.id, settled) };
}

/** Whether something waits in a conversation that the person is to be told of. */
export function withWaiting(telling: Telling, conversation: number, waits: boolean): Telling {
  if (telling.waiting.has(conversation) === waits) return telling;
  const waiting = new Set(telling.waiting);
  if (waits) waiting.add(conversation);
  else waiting.delete(conversation);
  return { ...telling, waiting };
}

export function putStep(state: State, { next, wants, news }: Step, seen: readonly Message[] = []): Reduced {
  return { state: put(state, next, [...seen, ...news]), wants, news };
}

/** Changes a conversation, if it is known. */
export function putKnown(
  state: State,
  conversation: number,
  change: (known: ConversationState) => ConversationState,
): Reduced {
  const known = state.conversations.get(conversation);
  return only(known ? put(state, change(known)) : state);
}

/** Changes every conversation; the same state if none is another one. */
export function each(state: State, change: (known: ConversationState) => ConversationState): State {
  let next: Map<number, ConversationState> | null = null;
  for (const [id, known] of state.conversations) {
    const changed = change(known);
    if (changed === known) continue;
    next ??= new Map(state.conversations);
    next.set(id, changed);
  }
  return next ? { ...state, conversations: next } : state;
}
