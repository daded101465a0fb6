// The people who are typing, in the room and in threads. It ends with an event, with a message by that person, or by itself.
import type { Person } from '../wire.js';
import { meetAll, person } from './accounts.js';
import { each, put, putKnown } from './put.js';
import { only, type ConversationState, type Reduced, type Reducers, type State } from './state.js';

export interface Writer {
  readonly user: Person;
  /** When it ends by itself, in milliseconds of the client's clock. */
  readonly until: number;
  /** The `seq` of the message in whose thread they write; null in the room. */
  readonly thread: number | null;
}

/** In the room by the person's id, in threads by theirs and that of the thread; see `typistsIn`. */
export type Typing = ReadonlyMap<number | string, Writer>;

export const nobody: Typing = new Map();

/** How long it lasts if the server has not said, in milliseconds. */
const TYPING_MS = 6000;

export const events: Reducers<'typing.started' | 'typing.stopped' | 'thread.typing'> = {
  'typing.started': (state, { conversation, data: { user } }, { now }) =>
    begin(state, conversation, user, null, now),
  'typing.stopped': (state, { conversation, data: { user } }) => end(state, conversation, user, null),
  'thread.typing': (state, { conversation, data: { thread, user, typing } }, { now }) =>
    typing ? begin(state, conversation, user, thread, now) : end(state, conversation, user, thread),
};

function begin(
  state: State,
  conversation: number,
  whose: Person,
  thread: number | null,
  now: number,
): Reduced {
  const known = state.conversations.get(conversation);
  if (!known) return only(state);
  const user = person(whose);
  const until = now + (state.limits?.typing_ms ?? TYPING_MS);
  const typing = new Map(known.typing).set(keyOf(user, thread), { user, until, thread });
  return only(meetAll(put(state, withTyping(known, typing)), [user]));
}

function end(state: State, conversation: number, user: Person, thread: number | null): Reduced {
  return putKnown(state, conversation, (known) => withTyping(known, ends(known.typing, keyOf(user, thread))));
}

/** The people who are typing in the room, or in the thread about a message. */
export function typistsIn({ typing }: ConversationState, thread: number | null): Person[] {
  return [...typing.values()].filter((one) => one.thread === thread).map(({ user }) => user);
}

/** Ends the typing whose time is over. */
export function expireTyping(state: State, now: number): State {
  return each(state, (known) => withTyping(known, still(known.typing, now)));
}

function withTyping(state: ConversationState, typing: Typing): ConversationState {
  return typing === state.typing ? state : { ...state, typing };
}

function keyOf({ id }: Person, thread: number | null): number | string {
  return thread === null ? id : `${id}/${thread}`;
}

export function ends(typing: Typing, key: number | string): Typing {
  if (!typing.has(key)) return typing;
  const next = new Map(typing);
  next.delete(key);
  return next;
}

/** The people who are still typing at this moment. */
function still(typing: Typing, now: number): Typing {
  const next = new Map([...typing].filter(([, writer]) => writer.until > now));
  return next.size === typing.size ? typing : next;
}

/** When the next one ends by itself. */
export function nextEnd({ typing }: ConversationState): number {
  return Math.min(Infinity, ...[...typing.values()].map((writer) => writer.until));
}
