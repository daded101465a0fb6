// Readings of a conversation that is open, while its events go on.
import type { Member, Message } from '../wire.js';
import { meetAll, person } from './accounts.js';
import { takeMembers } from './members.js';
import { newerLast } from './messages.js';
import { put } from './put.js';
import { withInner, type Bounds, type ConversationState, type State } from './state.js';
import { pageApart, putSummaries, takeThreadPage } from './threads.js';
import { addPage, newestRev, unloaded, type PageRead, type Where } from './timeline.js';

/** A reading of one conversation; `where` if it is of its timeline. */
export interface Reading {
  readonly conversation: number;
  readonly reading: number;
  readonly where: Where | null;
}

/** It is open: its timeline is about to be read. */
export function open(known: ConversationState): ConversationState {
  return known.timeline ? known : { ...known, timeline: unloaded };
}

/** It is open no longer. */
export function close(known: ConversationState): ConversationState {
  return { ...known, timeline: null };
}

/** A reading begins: what changes from now on must be put onto its result. */
export function begin(known: ConversationState, { reading, where }: Reading): ConversationState {
  const begun = withInner(known, { readings: new Set(known.inner.readings).add(reading) });
  return withLoading(begun, where, where === 'newest' ? 'around' : where);
}

/** A reading failed. */
export function fail(known: ConversationState, { reading, where }: Reading): ConversationState {
  return withLoading(end(known, reading), where, null);
}

/** Takes a page of history into the timeline. */
export function takePage(
  state: State,
  known: ConversationState,
  { reading, read }: { readonly reading: number; readonly read: PageRead },
  bounds: Bounds,
): State {
  const { messages } = read.page;
  const met = meetAll(
    state,
    messages.map(({ author }) => person(author)),
  );
  return put(met, end(withPage(known, read, bounds), reading), messages);
}

/** Takes a page of a thread that is open. */
export function takeThread(
  state: State,
  {
    conversation,
    thread,
    read,
    root,
  }: {
    readonly conversation: number;
    readonly thread: number;
    readonly read: PageRead;
    readonly root: Message | null;
  },
  bounds: Bounds,
): State {
  const known = state.conversations.get(conversation);
  if (!known) return state;
  const messages = root ? [root, ...read.page.messages] : read.page.messages;
  const met = meetAll(
    state,
    messages.map(({ author }) => person(author)),
  );
  return put(met, takeThreadPage(known, thread, read, root, bounds), messages);
}

/** Takes the list of members. */
export function takeMemberList(
  state: State,
  known: ConversationState,
  { reading, members }: { readonly reading: number; readonly members: readonly Member[] },
): State {
  const met = meetAll(
    state,
    members.map(({ user }) => person(user)),
  );
  return put(met, end(takeMembers(known, members), reading));
}

function withPage(known: ConversationState, read: PageRead, { windowSize }: Bounds): ConversationState {
  if (!known.timeline) return known;
  const page = pageApart(read.page);
  const timeline = addPage(known.timeline, { ...read, page }, known.inner.touchedMessages, windowSize);
  const readTo = Math.max(known.inner.readTo, newestRev(read.page));
  const newest = timeline.hasMoreAfter ? null : (timeline.messages.at(-1) ?? null);
  const lastMessage = newerLast(known.lastMessage, newest);
  const shown = putSummaries(known, read.page.messages);
  return withInner({ ...shown, timeline, lastMessage }, { readTo });
}

function end(known: ConversationState, reading: number): ConversationState {
  const readings = new Set(known.inner.readings);
  readings.delete(reading);
  return withInner(
    known,
    readings.size > 0 ? { readings } : { readings, touchedMessages: [], touchedMembers: [], unlisted: false },
  );
}

function withLoading(
  known: ConversationState,
  where: Where | null,
  loading: 'before' | 'after' | 'around' | null,
): ConversationState {
  if (!known.timeline || !where) return known;
  return { ...known, timeline: { ...known.timeline, loading } };
}
