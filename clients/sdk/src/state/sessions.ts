// The session: whose it is, and from which numbers events follow once it is authenticated.
import type { Authenticated } from '../wire.js';
import { takeAccount } from './accounts.js';
import { resumesFrom } from './pieces.js';
import { empty, withInner, type ConversationState, type Reduced, type State, type Want } from './state.js';

/** The cursors with which a client came back, by conversation. */
export type Cursors = Readonly<Record<string, number>>;

/** The line is there again. */
export function authenticate(state: State, data: Authenticated, sent: Cursors): Reduced {
  // Another history of the database: nothing that was known belongs to this one.
  const foreign = state.epoch !== null && state.epoch !== data.epoch;
  const kept = new Map<number, ConversationState>();
  const unknownHeads = new Map<number, number>();
  const wants: Want[] = [];
  for (const { id, head } of data.conversations) {
    const known = foreign ? undefined : state.conversations.get(id);
    if (known) kept.set(id, follow(known, head));
    else unknownHeads.set(id, head);
    // It became known after the cursors were said.
    if (known && known.cursor < head && !(id in sent))
      wants.push({ type: 'sync', conversation: id, since: resumesFrom(known) });
  }
  const { limits, epoch } = data;
  const next = { ...state, limits, epoch, ready: state.ready && !foreign, conversations: kept, unknownHeads };
  return { state: takeAccount(next, data.user), wants, news: [] };
}

/** On this connection, events follow from this number. */
function follow(state: ConversationState, head: number): ConversationState {
  return withInner(state, { liveFrom: head, heard: head, added: false });
}

/** The session is over: nothing of it stays but how the line is. */
export function forget({ line, ended }: State): State {
  return { ...empty, line, ended };
}
