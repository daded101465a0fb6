// Conversations: their rows, and the list of those that one is in.
import type { Conversation, ConversationRow, Peer } from '../wire.js';
import { meetAll, peersNamed, person, type PersonChange } from './accounts.js';
import { newerLast } from './messages.js';
import { comeUncounted } from './notices.js';
import { readUpTo, settingsOf, withSettings } from './notifications.js';
import { resumesFrom } from './pieces.js';
import { each, put, putKnown, withWaiting } from './put.js';
import {
  contextOf,
  only,
  step,
  withInner,
  type ConversationState,
  type NumberedReducer,
  type NumberedReducers,
  type Reduced,
  type Reducers,
  type State,
  type Step,
  type Want,
} from './state.js';
import { apart, forgetThreads, putSummaries } from './threads.js';
import { nobody } from './typing.js';

// Events -------------------------------------------------------------------------------------------

const changed: NumberedReducer<'conversation.created' | 'conversation.updated'> = {
  people: () => [],
  apply: (known, { data, seq }) => step(seq > known.row.head ? { ...known, row: rowOf(data) } : known),
};

export const numbered: NumberedReducers<'conversation.created' | 'conversation.updated'> = {
  'conversation.created': changed,
  'conversation.updated': changed,
};

export const events: Reducers<'conversation.added' | 'conversation.hidden' | 'conversation.removed'> = {
  'conversation.added': (state, { data }) => added(state, data),
  'conversation.hidden': (state, { conversation, data }) =>
    putKnown(state, conversation, (known) => hideUpTo(known, data.at)),
  'conversation.removed': (state, { conversation }) => only(without(state, conversation)),
};

function added(state: State, data: Conversation): Reduced {
  const before = state.conversations.get(data.id);
  const unknownHeads = new Map(state.unknownHeads);
  unknownHeads.delete(data.id);
  const taken = takeRows({ ...state, unknownHeads }, [data], true);
  const known = taken.state.conversations.get(data.id);
  const wants: Want[] = [...taken.wants];
  // Events follow from its head: the changes between must be asked for.
  if (before && before.cursor < data.head)
    wants.push({ type: 'sync', conversation: data.id, since: resumesFrom(before) });
  return { ...taken, wants, state: known ? put(taken.state, show(known)) : taken.state };
}

function without(state: State, id: number): State {
  const next = new Map(state.conversations);
  next.delete(id);
  const oldTo = new Map(state.telling.oldTo);
  oldTo.delete(id);
  const telling = { ...withWaiting(state.telling, id, false), oldTo };
  const unknownHeads = new Map(state.unknownHeads).set(id, Infinity);
  const followed = forgetThreads(state.followed, id);
  return { ...state, conversations: next, unknownHeads, telling, followed };
}

// Rows ---------------------------------------------------------------------------------------------

/** The fields of the row that all members share. */
const SHARED: Readonly<Record<keyof ConversationRow, true>> = {
  id: true,
  kind: true,
  visibility: true,
  name: true,
  topic: true,
  avatar: true,
  created_by: true,
  created_at: true,
  head: true,
  rev: true,
  member_count: true,
  edit_history: true,
  previews: true,
};
const FIELDS = Object.keys(SHARED) as readonly (keyof ConversationRow)[];

/** The row that all members share, out of one member's conversation. */
export function rowOf(from: ConversationRow): ConversationRow {
  return Object.fromEntries(FIELDS.map((field) => [field, from[field]])) as unknown as ConversationRow;
}

/** What of a conversation stands in the room; servers before feature level 7 know nothing else. */
export function inRoom(fresh: Conversation): Pick<Conversation, 'unread' | 'last_message'> {
  return (fresh.room as Conversation['room'] | undefined) ?? fresh;
}

/** A conversation of which nothing was known. */
export function begin(fresh: Conversation): ConversationState {
  const { unread, last_message } = inRoom(fresh);
  const begun: ConversationState = {
    id: fresh.id,
    row: rowOf(fresh),
    role: fresh.role,
    hidden: false,
    cursor: fresh.head,
    readSeq: readUpTo(fresh),
    settings: settingsOf(fresh),
    unread,
    unreadForMe: forMe(fresh),
    lastMessage: last_message && apart(last_message),
    peer: fresh.peer,
    members: null,
    markers: new Map(),
    typing: nobody,
    timeline: null,
    summaries: new Map(),
    threads: new Map(),
    pending: [],
    inner: {
      countedTo: fresh.head,
      uncounted: false,
      readTo: fresh.head,
      liveFrom: fresh.head,
      heard: fresh.head,
      added: false,
      hiddenAt: 0,
      gap: null,
      held: [],
      pieces: null,
      untold: null,
      readings: new Set(),
      touchedMessages: [],
      touchedMembers: [],
      unlisted: false,
    },
  };
  return last_message ? putSummaries(begun, [last_message]) : begun;
}

/** Servers before feature level 7 do not count what is for one. */
function forMe(fresh: Conversation): number {
  return (fresh.unread_for_me as number | undefined) ?? 0;
}

/** Takes conversations that were read; `shown` if they were read as parts of the list. */
export function takeRows(state: State, fresh: readonly Conversation[], shown: boolean): Reduced {
  let next = meetAll(state, fresh.flatMap(peopleOf));
  const wants: Want[] = [];
  for (const row of fresh) {
    const known = next.conversations.get(row.id);
    const head = next.unknownHeads.get(row.id) ?? 0;
    // It was left while this was on its way.
    if (!known && head === Infinity) continue;
    if (!known && head > row.head) wants.push({ type: 'sync', conversation: row.id, since: row.head });
    const taken = known ? takeRow(known, row) : step(begun(next, row));
    next = put(next, shown && taken.next.hidden ? { ...taken.next, hidden: false } : taken.next);
    wants.push(...taken.wants);
  }
  return { state: peersNamed(next), wants, news: [] };
}

/** The people whom a conversation names. */
export function peopleOf({ peer, last_message }: Conversation): PersonChange[] {
  return [
    ...(peer ? [{ ...person(peer), presence: peer.presence }] : []),
    ...(last_message ? [person(last_message.author)] : []),
  ];
}

function begun(state: State, row: Conversation): ConversationState {
  const known = { ...begin(row), pending: state.outbox.get(row.id) ?? [] };
  const { last_message } = inRoom(row);
  const said = last_message ? [last_message] : [];
  return comeUncounted(known, said, state.telling.oldTo.get(row.id) ?? 0, contextOf(state));
}

/** Takes a fresh reading; the cursor stays, because the events between are still to come. */
function takeRow(state: ConversationState, fresh: Conversation): Step {
  const peer = fresh.peer ?? state.peer;
  const settled = withSettings(state, settingsOf(fresh));
  if (fresh.head < state.row.head) return step(samePeer(settled, peer), recount(settled, fresh));
  const { last_message, unread: count } = inRoom(fresh);
  const known = samePeer(last_message ? putSummaries(settled, [last_message]) : settled, peer);
  const next: ConversationState = {
    ...known,
    row: fresh.head === state.row.head && fresh.rev === state.row.rev ? state.row : rowOf(fresh),
    role: fresh.role,
    lastMessage: newerLast(state.lastMessage, last_message && apart(last_message)),
  };
  // A marker that was moved here is on its way; its answer settles the unread count.
  const readSeq = readUpTo(fresh);
  if (readSeq < settled.readSeq) return step(next);
  const unread = { readSeq, unread: count, unreadForMe: forMe(fresh) };
  return step(withInner({ ...next, ...unread }, { countedTo: fresh.head, uncounted: false }));
}

/** A late reading is repeated if its count was needed, or if it shows a marker that was moved elsewhere. */
function recount(state: ConversationState, fresh: Conversation): Want[] {
  return state.inner.uncounted || readUpTo(fresh) > state.readSeq
    ? [{ type: 'row', conversation: state.id }]
    : [];
}

function samePeer(state: ConversationState, peer: Peer | null): ConversationState {
  const same = JSON.stringify(peer) === JSON.stringify(state.peer);
  return same ? state : { ...state, peer };
}

// The list -----------------------------------------------------------------------------------------

/** The list was read to its end: what is not in it is hidden, unless something has happened in it since. */
export function takeList(state: State, ids: ReadonlySet<number>): State {
  const hidden = each(state, (known) =>
    ids.has(known.id) || known.hidden || lively(known) ? known : hide(known),
  );
  return { ...hidden, ready: true, telling: { ...hidden.telling, fresh: true } };
}

/** Takes it out of the list, until something happens after what was heard of it. */
function hide(state: ConversationState): ConversationState {
  return withInner({ ...state, hidden: true }, { hiddenAt: state.inner.heard });
}

/** Takes it out of the list up to this number; a later one has brought it back already. */
function hideUpTo(state: ConversationState, at: number): ConversationState {
  return state.cursor > at ? state : withInner({ ...state, hidden: true }, { hiddenAt: at });
}

/** Whether something has happened on this connection that puts it into the list. */
function lively({ inner }: ConversationState): boolean {
  return inner.added || inner.heard > inner.liveFrom;
}

/** It was put into the list (again). */
function show(state: ConversationState): ConversationState {
  return withInner({ ...state, hidden: false }, { added: true });
}
