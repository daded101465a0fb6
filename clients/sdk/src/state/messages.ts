// Messages: each event brings one as it is after the change.
import type { Message } from '../wire.js';
import { person } from './accounts.js';
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
      return countMessage(come(heard, [data], false, context), data, context);
    },
  },
  'message.edited': {
    people: authorOf,
    apply: (known, { data }, context) => step(putMessage(known, data, context)),
  },
  'message.deleted': {
    people: authorOf,
    apply: (known, { data, thread }, context) =>
      countMessage(putSummary(putMessage(known, data, context), thread), data, context),
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

function countMessage(state: ConversationState, message: Message, { me }: Context): Step {
  const news = message.deleted_at === null ? [message] : [];
  const change = isInRoom(message) ? countChange(message, state.readSeq, state.inner.countedTo, me) : 0;
  const next = change === 0 ? state : { ...state, unread: counted(state.unread, change) };
  return step(next, exceeds(state.unread, change) ? [{ type: 'row', conversation: state.id }] : [], news);
}
