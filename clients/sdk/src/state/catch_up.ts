// Catching up: from a conversation's cursor to its head, by its changes or by reading it again from the start.
import type { Changes, Conversation, History, Marker, Member, Message } from '../wire.js';
import { meetAll, peersNamed, person } from './accounts.js';
import { begin, inRoom, peopleOf, rowOf } from './conversations.js';
import { changeForMe, counts, countsForMe } from './mentions.js';
import { present, readMarkers } from './markers.js';
import { putMember, readMembers } from './members.js';
import { putMessage } from './messages.js';
import { release } from './numbered.js';
import { come, comeUncounted } from './notices.js';
import { withSettings } from './notifications.js';
import { gather, resumesFrom, whole } from './pieces.js';
import { each, putStep } from './put.js';
import {
  only,
  step,
  withInner,
  type Context,
  type ConversationState,
  type Reduced,
  type Reducers,
  type State,
  type Step,
  type Want,
} from './state.js';
import { isInRoom, pageApart, putSummaries, putSummary, touchesFollowed } from './threads.js';
import { addPage, newestRev } from './timeline.js';
import { nobody } from './typing.js';
import { countAfter, counted, exceeds } from './unread.js';

export const events: Reducers<'conversation.changes'> = {
  'conversation.changes': (state, { conversation, data }, context) =>
    takeChanges(state, conversation, data, context),
};

/** Takes the changes that lead from one number to another, then the events that were held back. */
export function takeChanges(state: State, conversation: number, changes: Changes, context: Context): Reduced {
  const known = state.conversations.get(conversation);
  if (!known) return only(state);
  const { messages, members } = changes;
  const people = [...messages.map(({ author }) => author), ...members.map(({ user }) => user)];
  const met = meetAll(state, people.map(person));
  const caughtUp = putStep(met, catchUp(known, changes, context), messages);
  if (!changes.reset && !touchesFollowed(state, conversation, messages)) return caughtUp;
  return { ...caughtUp, wants: [...caughtUp.wants, ...doubts(caughtUp.state, conversation)] };
}

/** How many replies are unread in the threads that one follows there must be asked for. */
function doubts(state: State, conversation: number): Want[] {
  const follows = [...state.followed.values()].some((one) => one.conversation === conversation);
  return follows ? [{ type: 'threads' }] : [];
}

function catchUp(state: ConversationState, changes: Changes, context: Context): Step {
  if (changes.reset) {
    const inner = { gap: 'reset', pieces: null } as const;
    return step(withInner(state, inner), [{ type: 'reread', conversation: state.id }]);
  }
  if (changes.from > resumesFrom(state)) {
    const want: Want = { type: 'sync', conversation: state.id, since: resumesFrom(state) };
    return step(withInner(state, { gap: 'sync' }), [want]);
  }
  if (state.inner.gap === 'reset') return step(state);
  const { pieces } = state.inner;
  // Events wait for the last piece: the pieces before it are a place to go on from, and no state.
  if (changes.more) return step(withInner(state, { gap: 'sync', pieces: gather(pieces, changes) }));
  const all = whole(pieces, {
    ...changes,
    threads: (changes.threads as Changes['threads'] | undefined) ?? [],
  });
  const gathered = pieces ? withInner(state, { pieces: null }) : state;
  const caughtUp = all.to > state.cursor ? applyChanges(gathered, all, context) : step(gathered);
  return release(caughtUp, context);
}

function applyChanges(state: ConversationState, changes: Changes, context: Context): Step {
  const base = state.inner.countedTo;
  const { hiddenAt, liveFrom } = state.inner;
  let next: ConversationState = {
    ...state,
    hidden: state.hidden && changes.to <= Math.max(hiddenAt, liveFrom),
  };
  let uncertain = false;
  for (const message of changes.messages) {
    const forMe = forMeAfter(next, message, base, changes.to, context);
    next = putMessage(next, message, context);
    const change = isInRoom(message) ? countAfter(message, state.readSeq, base, changes.to, context.me) : 0;
    uncertain ||= forMe === null || exceeds(next.unread, change);
    next = { ...next, ...counts(next, counted(next.unread, change), counted(next.unreadForMe, forMe ?? 0)) };
  }
  for (const thread of changes.threads) next = putSummary(next, thread);
  const said = changes.messages.filter(({ seq }) => seq > state.cursor && seq <= changes.to);
  next = come(next, said, true, context);
  for (const member of changes.members) {
    // Everybody comes in as a member. A higher role was given after they came in: a marker that is too far on would
    // stay, but one that is too far back moves on with the next list of them.
    next = putMember(next, member, context, member.role === 'member' ? member.rev : changes.from);
  }
  const row = changes.to >= next.row.head ? rowOf(changes.conversation) : next.row;
  next = withInner({ ...next, row, cursor: changes.to }, { countedTo: Math.max(base, changes.to) });
  return step(next, uncertain ? [{ type: 'row', conversation: state.id }] : []);
}

/**
 * The change of the count of what is for the person, by a message's present state; `null` if it must be asked for: a
 * message that was counted before has changed.
 */
function forMeAfter(
  state: ConversationState,
  message: Message,
  base: number,
  to: number,
  context: Context,
): number | null {
  if (message.seq <= state.readSeq || message.author.id === context.me || message.seq > to) return 0;
  if (!isInRoom(message)) return 0;
  if (message.seq > base) return countsForMe(message, context) ? 1 : 0;
  return message.rev > base ? changeForMe(state, message, context) : 0;
}

/** A conversation that was read again from the start, as far as it was known. */
export interface Reread {
  readonly row: Conversation;
  /** The newest page, if the conversation is open. */
  readonly page: History | null;
  readonly members: readonly Member[] | null;
  readonly markers: readonly Marker[] | null;
}

/** Takes a conversation that was read again, in place of what was known of it. */
export function takeReread(state: State, conversation: number, read: Reread, context: Context): Reduced {
  const known = state.conversations.get(conversation);
  if (!known) return only(state);
  const { page, members, row } = read;
  const authors = page?.messages.map(({ author }) => person(author)) ?? [];
  const users = members?.map(({ user }) => person(user)) ?? [];
  const met = meetAll(state, [...peopleOf(row), ...authors, ...users]);
  const reread = putStep(met, replace(known, read, context), page?.messages);
  return { ...reread, state: peersNamed(reread.state) };
}

/** First the row, then the rest. */
function replace(state: ConversationState, read: Reread, context: Context): Step {
  const { row, page } = read;
  const fresh = begin(row);
  const { readSeq } = withSettings(state, fresh.settings);
  const members = read.members && readMembers(state.members, read.members, []);
  const next: ConversationState = {
    ...fresh,
    hidden: state.hidden,
    markers: present(read.markers ? readMarkers(state.markers, read.markers) : state.markers, members),
    pending: state.pending,
    summaries: putSummaries({ ...fresh, summaries: state.summaries }, page?.messages ?? []).summaries,
    threads: state.threads,
    readSeq: Math.max(fresh.readSeq, readSeq),
    members,
    timeline:
      page &&
      state.timeline &&
      addPage(
        state.timeline,
        { where: 'newest', beside: null, page: pageApart(page) },
        [],
        context.windowSize,
      ),
    inner: {
      ...fresh.inner,
      held: state.inner.held,
      liveFrom: state.inner.liveFrom,
      heard: state.inner.heard,
      added: state.inner.added,
      hiddenAt: state.inner.hiddenAt,
      readings: state.inner.readings,
      unlisted: state.inner.unlisted,
      untold: state.inner.untold,
      uncounted: fresh.readSeq < readSeq,
      readTo: Math.max(fresh.inner.readTo, page ? newestRev(page) : 0),
    },
  };
  const { last_message } = inRoom(row);
  const said = page?.messages ?? (last_message ? [last_message] : []);
  return release(step(comeUncounted(next, said, state.cursor, context)), context);
}

/** The line is cut: gaps are filled by the next connection, and nobody is heard writing. */
export function cut(state: State): State {
  const telling = { ...state.telling, fresh: false };
  return each({ ...state, telling }, (known) => {
    if (known.inner.gap === null && known.typing.size === 0) return known;
    return withInner({ ...known, typing: nobody }, { gap: null, held: [] });
  });
}
