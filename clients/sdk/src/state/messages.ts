// Messages: each event brings one as it is after the change.
import type { Message } from '../wire.js';
import { person } from './accounts.js';
import { changeForMe, counts, countsForMe } from './mentions.js';
import { changed, come } from './notices.js';
import { step, type Context, type ConversationState, type NumberedReducers, type Step } from './state.js';
import { apart, isInRoom, putInThread, putSummary } from './threads.js';
import { put } from './timeline.js';
import { ends } from './typing.js';
import { countChange, counted, exceeds } from './unread.js';

export const numbered: NumberedReducers<'message.created' | 'message.edited' | 'message.deleted'> = {
  'message.created': {
    people: authorOf,
    apply: (known, { data, thread }, context) => {
      const heard = putSummary(said(putMessage(known, data, context), data), thread);
      return withGroups(countMessage(come(heard, [data], false, context), data, context), data, context);
    },
  },
  'message.edited': {
    people: authorOf,
    apply: (known, { data }, context) =>
      recountForMe(known, step(putMessage(known, data, context)), data, context),
  },
  'message.deleted': {
    people: authorOf,
    apply: (known, { data, thread }, context) =>
      recountForMe(
        known,
        countMessage(putSummary(putMessage(known, data, context), thread), data, context),
        data,
        context,
      ),
  },
};

function authorOf({ author }: Message) {
  return [person(author)];
}

/** Puts a message's present state wherever the conversation shows it. */
export function putMessage(
  before: ConversationState,
  told: Message,
  { windowSize }: Context,
): ConversationState {
  const [state, message] = [putSummary(before, told.summary), apart(told)];
  const { inner } = state;
  const inRoom = isInRoom(message);
  const next: ConversationState = {
    ...putInThread(state, message, windowSize),
    lastMessage: inRoom ? newerLast(state.lastMessage, message) : state.lastMessage,
    timeline: state.timeline && inRoom ? put(state.timeline, message, windowSize) : state.timeline,
    inner: {
      ...inner,
      readTo: Math.max(inner.readTo, message.rev),
      touchedMessages:
        inRoom && inner.readings.size > 0 ? [...inner.touchedMessages, message] : inner.touchedMessages,
    },
  };
  return changed(next, message);
}

/** The later of two that may be a conversation's last message. */
export function newerLast(known: Message | null, message: Message | null): Message | null {
  if (!message || !known) return message ?? known;
  if (message.seq === known.seq) return message.rev > known.rev ? message : known;
  return message.seq > known.seq ? message : known;
}

/** A message ends its author's typing. */
function said(state: ConversationState, { author }: Message): ConversationState {
  return { ...state, typing: ends(state.typing, author.id) };
}

function countMessage(state: ConversationState, message: Message, context: Context): Step {
  const news = message.deleted_at === null ? [message] : [];
  const change = isInRoom(message)
    ? countChange(message, state.readSeq, state.inner.countedTo, context.me)
    : 0;
  const forMe = change > 0 && countsForMe(message, context) ? 1 : 0;
  const after = counts(state, counted(state.unread, change), counted(state.unreadForMe, forMe));
  const next = change === 0 ? state : { ...state, ...after };
  return step(next, exceeds(state.unread, change) ? [{ type: 'row', conversation: state.id }] : [], news);
}

/** A group that is not known was made since the list was read. */
function withGroups(after: Step, { mentions }: Message, { knownGroups }: Context): Step {
  const isNew = (mentions?.groups ?? []).some((id) => knownGroups?.has(id) === false);
  return isNew ? { ...after, wants: [...after.wants, { type: 'groups' }] } : after;
}

/** Counts again what is for the person after a message has changed; asks if that cannot be known. */
function recountForMe(before: ConversationState, after: Step, message: Message, context: Context): Step {
  const change = message.rev <= before.inner.countedTo ? 0 : changeForMe(before, message, context);
  if (change === 0) return after;
  if (change === null || exceeds(before.unreadForMe, change)) {
    const isAsked = after.wants.some(({ type }) => type === 'row');
    return isAsked ? after : { ...after, wants: [...after.wants, { type: 'row', conversation: before.id }] };
  }
  const { unread, unreadForMe } = after.next;
  return { ...after, next: { ...after.next, ...counts(before, unread, counted(unreadForMe, change)) } };
}
