// The session: whose it is, and from which numbers events follow once it is authenticated.
import type { Authenticated } from '../wire.js';
import { resumeAccount, resumesAccountFrom } from './account_scope.js';
import { takeAccount } from './accounts.js';
import { resumesFrom } from './pieces.js';
import { empty, withInner, type ConversationState, type Reduced, type State, type Want } from './state.js';

/** The cursors with which a client came back, by conversation. */
export type Cursors = Readonly<Record<string, number>>;

/** From where a client comes back. */
export interface Position {
  readonly cursors: Cursors;
  /** The history of which they are, as the server named it; `null` if it has not yet. */
  readonly epoch: string | null;
  /** The cursor of one's own account; `null` if there is none. */
  readonly accountSeq: number | null;
  /** The feature level that the server has last said to have; 0 if it has not yet. */
  readonly serverLevel: number;
}

/** Where a client is that has this state. */
export function positionOf(state: State): Position {
  const cursors = [...state.conversations.values()].map((it) => [String(it.id), resumesFrom(it)]);
  return {
    cursors: Object.fromEntries(cursors) as Cursors,
    epoch: state.epoch,
    accountSeq: resumesAccountFrom(state),
    serverLevel: state.featureLevel,
  };
}

/** The line is there again. */
export function authenticate(state: State, data: Authenticated, sent: Position): Reduced {
  // Another history of the database: nothing that was known belongs to this one.
  const foreign = state.epoch !== null && state.epoch !== data.epoch;
  const kept = new Map<number, ConversationState>();
  const unknownHeads = new Map<number, number>();
  const oldTo = new Map<number, number>();
  // Of what was there before the first connection nobody is told; what came to be since then is news.
  const isFirst = foreign || state.epoch === null;
  const wants: Want[] = [];
  for (const { id, head } of data.conversations) {
    const known = foreign ? undefined : state.conversations.get(id);
    if (known) kept.set(id, follow(known, head));
    else unknownHeads.set(id, head);
    if (!known) oldTo.set(id, isFirst ? head : (state.telling.oldTo.get(id) ?? 0));
    // It became known after the cursors were said.
    if (known && known.cursor < head && !(id in sent.cursors))
      wants.push({ type: 'sync', conversation: id, since: resumesFrom(known) });
  }
  const { limits, epoch } = data;
  const waiting = new Set([...state.telling.waiting].filter((id) => kept.has(id)));
  const telling = { fresh: false, waiting, oldTo };
  const ready = state.ready && !foreign;
  const featureLevel = data.feature_level;
  const followed = foreign ? new Map() : state.followed;
  const known = { ...state, featureLevel, followed, threadsRead: state.threadsRead && !foreign };
  const next = { ...known, limits, epoch, ready, conversations: kept, unknownHeads, telling };
  // Of another history not even what people have told about themselves: their numbers begin anew.
  const met = foreign ? { ...next, me: null, people: new Map(), userGroups: null } : next;
  const resumed = resumeAccount(takeAccount(met, data.user), data, sent.accountSeq, foreign);
  // Servers before feature level 7 have no user groups.
  if (data.feature_level >= 7) wants.push({ type: 'groups' });
  return { ...resumed, wants: [...wants, ...resumed.wants] };
}

/** On this connection, events follow from this number. */
function follow(state: ConversationState, head: number): ConversationState {
  return withInner(state, { liveFrom: head, heard: head, added: false });
}

/** The session is over: nothing of it stays but how the line is. */
export function forget({ line, ended }: State): State {
  return { ...empty, line, ended };
}
