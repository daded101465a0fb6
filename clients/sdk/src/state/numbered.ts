// The path of a numbered event into its conversation: in the order of the numbers, and to the reducer of its type.
// Old snapshot + events = fresh snapshot.
import type { EventFrame, Events } from '../wire.js';
import { meetAll } from './accounts.js';
import * as conversations from './conversations.js';
import * as members from './members.js';
import * as messages from './messages.js';
import * as policies from './policies.js';
import * as previews from './previews.js';
import { putStep } from './put.js';
import * as reactions from './reactions.js';
import { hold, turnOf } from './scope.js';
import {
  step,
  withInner,
  type Context,
  type ConversationState,
  type NumberedFrame,
  type NumberedReducer,
  type NumberedReducers,
  type NumberedType,
  type Reduced,
  type State,
  type Step,
} from './state.js';

const REDUCERS: NumberedReducers<NumberedType> = {
  ...conversations.numbered,
  ...members.numbered,
  ...messages.numbered,
  ...policies.numbered,
  ...previews.numbered,
  ...reactions.numbered,
};

export function isNumbered(frame: EventFrame): frame is NumberedFrame {
  return 'conversation' in frame && 'seq' in frame && typeof frame.seq === 'number';
}

/** Takes an event of a conversation that is known. */
export function hearNumbered(
  state: State,
  known: ConversationState,
  frame: NumberedFrame,
  context: Context,
): Reduced {
  return putStep(meetAll(state, peopleOf(frame)), takeEvent(known, frame, context));
}

/** Applies the next event, drops a repeat, and asks where there is a gap. */
function takeEvent(before: ConversationState, frame: NumberedFrame, context: Context): Step {
  const heard = Math.max(before.inner.heard, frame.seq);
  const state = heard === before.inner.heard ? before : withInner(before, { heard });
  const { gap, held } = state.inner;
  switch (turnOf(frame.seq, numberBefore(frame), state.cursor, gap)) {
    case 'repeat':
      return step(state);
    case 'held':
      return step(withInner(state, { held: hold(held, frame) }));
    case 'next':
      return applyEvent(state, frame, context);
    case 'missing':
      return step(withInner(state, { gap: 'sync', held: [frame] }), [
        { type: 'sync', conversation: state.id, since: state.cursor },
      ]);
  }
}

/** The number that the client has if nothing is missing before an event. A run of joins and leaves has several numbers. */
export function numberBefore(frame: NumberedFrame): number {
  return (frame.type === 'members.changed' ? frame.data.from : frame.seq) - 1;
}

function applyEvent(state: ConversationState, frame: NumberedFrame, context: Context): Step {
  const { next, wants, news } = applyData(state, frame, context);
  const row = frame.seq > next.row.head ? { ...next.row, head: frame.seq } : next.row;
  const countedTo = Math.max(next.inner.countedTo, frame.seq);
  const hidden = next.hidden && frame.seq <= next.inner.hiddenAt;
  return step(withInner({ ...next, row, hidden, cursor: frame.seq }, { countedTo }), wants, news);
}

function applyData<T extends NumberedType>(
  state: ConversationState,
  frame: Events[T],
  context: Context,
): Step {
  const reducer = reducerOf<T>(frame);
  // A type that was added to the protocol later: the change can be read.
  if (!reducer) return step(state, [{ type: 'row', conversation: state.id }]);
  return reducer.apply(state, frame, context);
}

function peopleOf<T extends NumberedType>(frame: Events[T]) {
  return reducerOf<T>(frame)?.people(frame.data) ?? [];
}

function reducerOf<T extends NumberedType>(frame: Events[T]): NumberedReducer<T> | undefined {
  const type = frame.type as T;
  return Object.hasOwn(REDUCERS, type) ? REDUCERS[type] : undefined;
}

/** The gap is filled: applies the events that were held back. */
export function release(from: Step, context: Context): Step {
  const held = from.next.inner.held;
  let next = withInner(from.next, { gap: null, held: [] });
  const [wants, news] = [[...from.wants], [...from.news]];
  for (const frame of held) {
    const taken = takeEvent(next, frame, context);
    next = taken.next;
    wants.push(...taken.wants);
    news.push(...taken.news);
  }
  return step(next, wants, news);
}
