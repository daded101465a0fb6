// Everything that a client knows, and what each input makes of it. Without I/O and without a clock.
import type {
  Account,
  AccountChanges,
  Authenticated,
  Changes,
  Conversation,
  Draft,
  EventFrame,
  FollowedThread,
  Marker,
  Member,
  Notifications,
  Message,
  PersonPresence,
  SavedMessage,
  Thread,
  User,
  UserGroups,
} from '../wire.js';
import { cutAccount } from './account_scope.js';
import { takeAccount, takeUsers } from './accounts.js';
import { cut, takeChanges, takeReread, type Reread } from './catch_up.js';
import { takeList, takeRows } from './conversations.js';
import { dropDraft, putDraft, takeDrafts } from './drafts.js';
import { hear, hearMissed } from './events.js';
import { markRead, moveMarker, takeMarkers } from './markers.js';
import { tell } from './notices.js';
import { takeNotifications } from './notifications.js';
import { takeOutbox } from './outbox.js';
import type { Pending } from './pending.js';
import { takePresences } from './presence.js';
import { putKnown } from './put.js';
import * as readings from './readings.js';
import { takeSaved } from './saved.js';
import { authenticate, forget, type Position } from './sessions.js';
import { contextOf, only, type Bounds, type LineState, type Reduced, type State } from './state.js';
import * as threads from './threads.js';
import type { PageRead, Timeline } from './timeline.js';
import { expireTyping } from './typing.js';
import { takeUserGroups } from './user_groups.js';

export { positionOf, type Cursors, type Position } from './sessions.js';
export {
  empty,
  type Bounds,
  type ConversationState,
  type LineState,
  type Reduced,
  type State,
  type Want,
} from './state.js';

/** Everything that changes the state. */
export type Input = Hearing | Answer | Reading | Doing | OfThread;

/** Inputs from the line. */
type Hearing =
  | {
      readonly type: 'line';
      readonly line: LineState;
      readonly retryAt: number | null;
      readonly ended: string | null;
    }
  | { readonly type: 'cut' }
  | { readonly type: 'authenticated'; readonly data: Authenticated; readonly sent: Position }
  | { readonly type: 'frame'; readonly frame: EventFrame; readonly now: number }
  | { readonly type: 'clock'; readonly now: number }
  /** Some time has gone by: the person is told of what has waited. */
  | { readonly type: 'tell'; readonly now: number }
  | { readonly type: 'forgotten' };

/** Answers to what was asked for. */
type Answer =
  | { readonly type: 'rows'; readonly rows: readonly Conversation[]; readonly shown: boolean }
  | { readonly type: 'listed'; readonly ids: ReadonlySet<number> }
  | { readonly type: 'changes'; readonly conversation: number; readonly changes: Changes }
  | { readonly type: 'reread'; readonly conversation: number; readonly read: Reread }
  | { readonly type: 'markers'; readonly conversation: number; readonly markers: readonly Marker[] }
  | { readonly type: 'marker'; readonly conversation: number; readonly marker: Marker }
  | { readonly type: 'users'; readonly users: readonly User[] }
  | { readonly type: 'presences'; readonly people: readonly PersonPresence[] }
  | { readonly type: 'account'; readonly account: Account }
  | { readonly type: 'account.changes'; readonly changes: AccountChanges }
  | { readonly type: 'notifications'; readonly notifications: Notifications }
  | { readonly type: 'drafts'; readonly drafts: readonly Draft[]; readonly since: number }
  | { readonly type: 'threads'; readonly threads: readonly FollowedThread[] }
  | { readonly type: 'thread'; readonly thread: Thread }
  | { readonly type: 'draft'; readonly draft: Draft }
  | { readonly type: 'groups'; readonly groups: UserGroups }
  | { readonly type: 'draft.gone'; readonly key: string; readonly rev: number }
  | { readonly type: 'saved'; readonly saved: readonly SavedMessage[]; readonly into: number };

/** The readings of a conversation that is open. */
type Reading =
  | ({ readonly type: 'reading' | 'read.failed' } & readings.Reading)
  | {
      readonly type: 'page';
      readonly conversation: number;
      readonly reading: number;
      readonly read: PageRead;
    }
  | {
      readonly type: 'members';
      readonly conversation: number;
      readonly reading: number;
      readonly members: readonly Member[];
    };

/** The changes to a thread that is open. */
type OfThread = {
  readonly type: 'of.thread';
  readonly conversation: number;
  readonly thread: number;
} & (
  | { readonly what: 'opened' | 'closed' }
  | { readonly what: 'loading'; readonly loading: Timeline['loading'] }
  | { readonly what: 'page'; readonly read: PageRead; readonly root: Message | null }
  | { readonly what: 'read'; readonly seq: number }
);

/** Actions of the person. */
type Doing =
  | { readonly type: 'opened'; readonly conversation: number }
  | { readonly type: 'closed'; readonly conversation: number }
  | { readonly type: 'read'; readonly conversation: number; readonly seq: number }
  | { readonly type: 'pending'; readonly pending: readonly Pending[] };

export function reduce(state: State, input: Input, bounds: Bounds): Reduced {
  const context = contextOf(state, bounds);
  switch (input.type) {
    case 'line':
      return only({ ...state, line: input.line, retryAt: input.retryAt, ended: input.ended });
    case 'cut':
      return only(cutAccount(cut(state)));
    case 'authenticated':
      return authenticate(state, input.data, input.sent);
    case 'frame':
      return hear(state, input.frame, input.now, bounds);
    case 'clock':
      return only(expireTyping(state, input.now));
    case 'tell':
      return tell(state, input.now);
    case 'forgotten':
      return only(forget(state));
    case 'rows':
      return takeRows(state, input.rows, input.shown);
    case 'listed':
      return only(takeList(state, input.ids));
    case 'changes':
      return takeChanges(state, input.conversation, input.changes, context);
    case 'reread':
      return takeReread(state, input.conversation, input.read, context);
    case 'markers':
      return putKnown(state, input.conversation, (known) => takeMarkers(known, input.markers));
    case 'marker':
      return moveMarker(state, input.conversation, input.marker);
    case 'users':
      return only(takeUsers(state, input.users));
    case 'presences':
      return only(takePresences(state, input.people));
    case 'account':
      return only(takeAccount(state, input.account));
    case 'account.changes':
      return hearMissed(state, input.changes, bounds);
    case 'notifications':
      return only(takeNotifications(state, input.notifications));
    case 'drafts':
      return only(takeDrafts(state, input.drafts, input.since));
    case 'threads':
      return only(threads.takeThreads(state, input.threads));
    case 'thread':
      return threads.putFollowed(state, input.thread);
    case 'of.thread':
      return ofThread(state, input, bounds);
    case 'draft':
      return only(putDraft(state, input.draft));
    case 'groups':
      return only(takeUserGroups(state, input.groups));
    case 'draft.gone':
      return only(dropDraft(state, input.key, input.rev));
    case 'saved':
      return only(takeSaved(state, input.saved, input.into));
    case 'opened':
      return putKnown(state, input.conversation, readings.open);
    case 'closed':
      return putKnown(state, input.conversation, readings.close);
    case 'read':
      return putKnown(state, input.conversation, (known) => markRead(known, input.seq, context));
    case 'pending':
      return only(takeOutbox(state, input.pending));
    default:
      return read(state, input, bounds);
  }
}

function ofThread(state: State, input: OfThread, bounds: Bounds): Reduced {
  const { conversation, thread } = input;
  switch (input.what) {
    case 'opened':
      return putKnown(state, conversation, (known) => threads.openThread(known, thread));
    case 'closed':
      return putKnown(state, conversation, (known) => threads.closeThread(known, thread));
    case 'loading':
      return putKnown(state, conversation, (known) => threads.threadLoading(known, thread, input.loading));
    case 'page':
      return only(readings.takeThread(state, input, bounds));
    case 'read':
      return only(threads.readThread(state, conversation, thread, input.seq));
  }
}

function read(state: State, input: Reading, bounds: Bounds): Reduced {
  const known = state.conversations.get(input.conversation);
  if (!known) return only(state);
  switch (input.type) {
    case 'reading':
      return putKnown(state, known.id, (it) => readings.begin(it, input));
    case 'read.failed':
      return putKnown(state, known.id, (it) => readings.fail(it, input));
    case 'page':
      return only(readings.takePage(state, known, input, bounds));
    case 'members':
      return only(readings.takeMemberList(state, known, input));
  }
}
