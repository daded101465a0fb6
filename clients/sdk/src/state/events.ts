// The one path of an event: to the reducer of its type, by way of the numbers of its scope if it has one. A scope is a
// conversation or one's own account.
import type { AccountChanges, EventFrame, Events, EventType } from '../wire.js';
import { hearOfAccount, isOfAccount, takeAccountChanges } from './account_scope.js';
import * as accounts from './accounts.js';
import * as catchUp from './catch_up.js';
import * as conversations from './conversations.js';
import * as drafts from './drafts.js';
import * as inbox from './inbox.js';
import * as markers from './markers.js';
import { hearNumbered, isNumbered } from './numbered.js';
import * as notifications from './notifications.js';
import * as presence from './presence.js';
import * as pushDevices from './push_devices.js';
import * as reminders from './reminders.js';
import * as saved from './saved.js';
import * as threads from './threads.js';
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
import * as userGroups from './user_groups.js';

/** Those without a number in a conversation; in the account's numbers a reset is no event, but says that there are none. */
type Unnumbered = Exclude<EventType, NumberedType | 'account.reset'>;

const REDUCERS: Reducers<Unnumbered> = {
  ...accounts.events,
  ...catchUp.events,
  ...conversations.events,
  ...drafts.events,
  ...inbox.events,
  ...markers.events,
  ...notifications.events,
  ...presence.events,
  ...pushDevices.events,
  ...reminders.events,
  ...saved.events,
  ...threads.events,
  ...typing.events,
  ...userGroups.events,
};

/** Takes an event; `now` is the time of the client's clock, in milliseconds. */
export function hear(state: State, frame: EventFrame, now: number, bounds: Bounds): Reduced {
  if (isOfAccount(frame)) return hearOfAccount(state, frame, applying(bounds));
  if (isUnnumbered(frame)) return hearUnnumbered(state, frame, now, bounds);
  // A type that was added to the protocol later, and that nothing depends on.
  if (!isNumbered(frame)) return only(state);
  const known = state.conversations.get(frame.conversation);
  if (!known) return hearUnknown(state, frame);
  return threads.countReply(hearNumbered(state, known, frame, contextOf(state, bounds)), frame);
}

/** Takes what was missed of one's own account. */
export function hearMissed(state: State, changes: AccountChanges, bounds: Bounds): Reduced {
  return takeAccountChanges(state, changes, applying(bounds));
}

/** Applies an event of the account; one of a type that was added to the protocol later says nothing here. */
function applying(bounds: Bounds) {
  return (state: State, frame: EventFrame): Reduced =>
    isUnnumbered(frame) ? hearUnnumbered(state, frame, 0, bounds) : only(state);
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
