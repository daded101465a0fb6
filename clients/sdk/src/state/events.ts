// The one path of an event: to the reducer of its type, by way of its conversation's numbers if it has one.
import type { EventFrame, Events, EventType } from '../wire.js';
import * as accounts from './accounts.js';
import * as catchUp from './catch_up.js';
import * as conversations from './conversations.js';
import * as markers from './markers.js';
import { hearNumbered, isNumbered } from './numbered.js';
import * as presence from './presence.js';
import {
  contextOf,
  only,
  type Bounds,
  type NumberedFrame,
  type NumberedType,
  type Reduced,
  type Reducers,
  type State,
} from './state.js';
import * as typing from './typing.js';

type Unnumbered = Exclude<EventType, NumberedType>;

const REDUCERS: Reducers<Unnumbered> = {
  ...accounts.events,
  ...catchUp.events,
  ...conversations.events,
  ...markers.events,
  ...presence.events,
  ...typing.events,
};

/** Takes an event; `now` is the time of the client's clock, in milliseconds. */
export function hear(state: State, frame: EventFrame, now: number, bounds: Bounds): Reduced {
  if (isUnnumbered(frame)) return hearUnnumbered(state, frame, now, bounds);
  // A type that was added to the protocol later, and that nothing depends on.
  if (!isNumbered(frame)) return only(state);
  const known = state.conversations.get(frame.conversation);
  return known ? hearNumbered(state, known, frame, contextOf(state, bounds)) : hearUnknown(state, frame);
}

function isUnnumbered(frame: EventFrame): frame is Events[Unnumbered] {
  return Object.hasOwn(REDUCERS, frame.type);
}

function hearUnnumbered<T extends Unnumbered>(
  state: State,
  frame: Events[T],
  now: number,
  bounds: Bounds,
): Reduced {
  const reducer: Reducers<Unnumbered>[T] = REDUCERS[frame.type as T];
  return reducer(state, frame, { ...contextOf(state, bounds), now });
}

/** An event of a conversation that is not known: one that was hidden when the list was read. */
function hearUnknown(state: State, frame: NumberedFrame): Reduced {
  const { conversation, seq } = frame;
  const news = frame.type === 'message.created' ? [frame.data] : [];
  const unknownHeads = new Map(state.unknownHeads).set(
    conversation,
    Math.max(seq, state.unknownHeads.get(conversation) ?? 0),
  );
  return { state: { ...state, unknownHeads }, wants: [{ type: 'row', conversation }], news };
}
