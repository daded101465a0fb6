// The people who are typing. It ends with an event, with a message by that person, or by itself.
import type { Person } from '../wire.js';
import { meetAll, person } from './accounts.js';
import { each, put, putKnown } from './put.js';
import { only, type ConversationState, type Reducers, type State } from './state.js';

export interface Writer {
  readonly user: Person;
  /** When it ends by itself, in milliseconds of the client's clock. */
  readonly until: number;
}

export type Typing = ReadonlyMap<number, Writer>;

export const nobody: Typing = new Map();

/** How long it lasts if the server has not said, in milliseconds. */
const TYPING_MS = 6000;

export const events: Reducers<'typing.started' | 'typing.stopped'> = {
  'typing.started': (state, { conversation, data: { user } }, { now }) => {
    const known = state.conversations.get(conversation);
    if (!known) return only(state);
    const until = now + (state.limits?.typing_ms ?? TYPING_MS);
    const next = put(state, withTyping(known, begins(known.typing, person(user), until)));
    return only(meetAll(next, [person(user)]));
  },
  'typing.stopped': (state, { conversation, data: { user } }) =>
    putKnown(state, conversation, (known) => withTyping(known, ends(known.typing, user.id))),
};

/** Ends the typing whose time is over. */
export function expireTyping(state: State, now: number): State {
  return each(state, (known) => withTyping(known, still(known.typing, now)));
}

function withTyping(state: ConversationState, typing: Typing): ConversationState {
  return typing === state.typing ? state : { ...state, typing };
}

function begins(typing: Typing, user: Person, until: number): Typing {
  return new Map(typing).set(user.id, { user, until });
}

export function ends(typing: Typing, user: number): Typing {
  if (!typing.has(user)) return typing;
  const next = new Map(typing);
  next.delete(user);
  return next;
}

/** The people who are still typing at this moment. */
function still(typing: Typing, now: number): Typing {
  const next = new Map([...typing].filter(([, writer]) => writer.until > now));
  return next.size === typing.size ? typing : next;
}

/** When the next one ends by itself. */
export function nextEnd(typing: Typing): number {
  return Math.min(Infinity, ...[...typing.values()].map((writer) => writer.until));
}
