// The state of a client as one immutable value, and the forms in which reducers answer.
import type {
  Account,
  ConversationRow,
  ConversationSettings,
  EventFrame,
  Events,
  EventType,
  Limits,
  Member,
  Message,
  Notifications,
  Peer,
  Person,
  Role,
  ThreadSummary,
} from '../wire.js';
import type { People } from './accounts.js';
import type { Drafts } from './drafts.js';
import type { Markers } from './markers.js';
import type { Members } from './members.js';
import type { Notice, Telling, Untold } from './notices.js';
import type { Pending } from './pending.js';
import type { Pieces } from './pieces.js';
import type { Saved } from './saved.js';
import type { Gap } from './scope.js';
import type { Followed, ThreadState } from './threads.js';
import type { Timeline } from './timeline.js';
import type { Typing } from './typing.js';
import type { UserGroups } from './user_groups.js';

/** Idle: not wanted. Waiting: tries again at `retryAt`. Over: does not come back, for the reason in `ended`. */
export type LineState = 'idle' | 'connecting' | 'online' | 'waiting' | 'over';

export interface State {
  readonly line: LineState;
  readonly retryAt: number | null;
  /** Why the line is over: the code of the close reason. */
  readonly ended: string | null;
  readonly me: Account | null;
  readonly limits: Limits | null;
  readonly epoch: string | null;
  /** The server's feature level: it grows with each addition to the protocol. 0 before it has said so. */
  readonly featureLevel: number;
  /** The number of the last change of one's own account that was applied; `null` where the server numbers none. */
  readonly accountSeq: number | null;
  /** The list of conversations has been read once. */
  readonly ready: boolean;
  readonly conversations: ReadonlyMap<number, ConversationState>;
  readonly people: People;
  /** Texts that are being written, on whichever device; see `draftKey`. */
  readonly drafts: Drafts;
  /** The user groups of the server, by id; `null` until they are known, and with servers that have none. */
  readonly userGroups: UserGroups | null;
  /** Another number with each change of one's own inbox that was heard: see `inbox.ts`. */
  readonly inboxSeq: number;
  /** The person's notification settings; `null` until they are known, and where the server has none. */
  readonly notifications: Notifications | null;
  /** The threads that one follows; see `threadKey`. */
  readonly followed: Followed;
  /** For the SDK itself: those have been read. */
  readonly threadsRead: boolean;
  /** Another number with each change of the devices on which one is told: see `push_devices.ts`. */
  readonly pushDeviceSeq: number;
  /** Another number with each change of one's own reminders that was heard: see `reminders.ts`. */
  readonly reminderSeq: number;
  /** One's saved messages: see `isSaved`. */
  readonly saved: Saved;
  /** All that is in the outbox, by conversation; also of conversations that are not known (yet). */
  readonly outbox: ReadonlyMap<number, readonly Pending[]>;
  /** For the SDK itself: the last number heard of each unknown conversation; `Infinity` once left. */
  readonly unknownHeads: ReadonlyMap<number, number>;
  /** For the SDK itself. */
  readonly own: Own;
  /** For the SDK itself. */
  readonly telling: Telling;
}

/** Keeps the own account true while several answers are under way. */
export interface Own {
  /** How a gap is being filled; events after it are held until then. */
  readonly gap: Gap;
  readonly held: readonly AccountFrame[];
  /** Everything before the cursor is known: one can come back with it. */
  readonly whole: boolean;
  /** On this connection events follow from this number; those before it are being told. */
  readonly liveFrom: number;
  /** Another number each time that the account begins anew: what was asked for before that may be older. */
  readonly begun: number;
  /** The number with which each draft was discarded last. */
  readonly discarded: ReadonlyMap<string, number>;
}

export const empty: State = {
  line: 'idle',
  retryAt: null,
  ended: null,
  me: null,
  limits: null,
  epoch: null,
  featureLevel: 0,
  accountSeq: null,
  ready: false,
  conversations: new Map(),
  people: new Map(),
  drafts: new Map(),
  userGroups: null,
  inboxSeq: 0,
  notifications: null,
  followed: new Map(),
  threadsRead: false,
  pushDeviceSeq: 0,
  reminderSeq: 0,
  saved: { whole: false, known: new Map() },
  outbox: new Map(),
  unknownHeads: new Map(),
  own: { gap: null, held: [], whole: false, liveFrom: 0, begun: 0, discarded: new Map() },
  telling: { fresh: false, waiting: new Set(), oldTo: new Map() },
};

/** A conversation as its member sees it. */
export interface ConversationState {
  readonly id: number;
  readonly row: ConversationRow;
  readonly role: Role;
  /** Out of the list until something happens in it. */
  readonly hidden: boolean;
  /** The number of the last change that was applied. */
  readonly cursor: number;
  /** Up to here everything is read, to the person themself: where they have marked it as unread, before that mark. */
  readonly readSeq: number;
  /** One's own settings of it. */
  readonly settings: ConversationSettings;
  /** Others' messages in the room after that; 100 means "100 or more". */
  readonly unread: number;
  /** Those of them that are for this person: see `mentions.ts`. */
  readonly unreadForMe: number;
  /** The newest message in the room: what stands in a thread only is none. */
  readonly lastMessage: Message | null;
  readonly peer: Peer | null;
  /** Present members by id; `null` until they are loaded, and in a large conversation: see `Client.loadMembers`. */
  readonly members: Members | null;
  readonly markers: Markers;
  /** The people who are typing, in the room and in threads: see `typistsIn`. */
  readonly typing: Typing;
  /** `null` until it is opened. */
  readonly timeline: Timeline | null;
  /** Summaries of threads, by the `seq` of their roots; see `summaryOf`. */
  readonly summaries: ReadonlyMap<number, ThreadSummary>;
  /** The threads that are open, by the `seq` of their roots. */
  readonly threads: ReadonlyMap<number, ThreadState>;
  /** Messages that are written and not yet in it, in order. */
  readonly pending: readonly Pending[];
  /** For the SDK itself. */
  readonly inner: Inner;
}

/** Keeps the rest true while several answers are under way. */
export interface Inner {
  /** The count of unread messages includes every change up to this number. */
  readonly countedTo: number;
  /** The read marker moved, and the count could not be computed. */
  readonly uncounted: boolean;
  /** Pages that were read may hold changes up to this number, whose events are still to come. */
  readonly readTo: number;
  /** On this connection events follow from this number; the list has everything before it. */
  readonly liveFrom: number;
  /** The last number that was heard on this connection, applied or held. */
  readonly heard: number;
  /** On this connection it was put into the list: a list that was read before does not count. */
  readonly added: boolean;
  /** Nothing up to this number brings it back into the list. */
  readonly hiddenAt: number;
  /** How a gap is being filled; events after it are held until then. */
  readonly gap: Gap;
  readonly held: readonly NumberedFrame[];
  /** The pieces of a long catch-up that have come before its last; they outlast the connection. */
  readonly pieces: Pieces | null;
  /** What the person is to be told of. */
  readonly untold: Untold | null;
  /** The readings under way, and the messages and members that changed meanwhile. */
  readonly readings: ReadonlySet<number>;
  readonly touchedMessages: readonly Message[];
  readonly touchedMembers: readonly Member[];
  /** During these readings people came and went of whom only the count is known. */
  readonly unlisted: boolean;
}

/** An event with its number. */
export type NumberedFrame = Extract<EventFrame, { readonly seq: number }>;
export type NumberedType = NumberedFrame['type'];

/** An event of one's own account with its number, and with the number that it follows if that is not the one before. */
export type AccountFrame = Extract<EventFrame, { readonly account_seq?: number }> & {
  readonly account_seq: number;
  readonly account_after?: number;
};

/** Sizes that the reducers keep to. */
export interface Bounds {
  readonly windowSize: number;
}

/** The reducers of one conversation need this besides it. */
export interface Context extends Bounds {
  readonly me: number | null;
  /** The user groups that one belongs to. */
  readonly groups: ReadonlySet<number> | null;
  /** Those that are known; `null` with servers that have none. */
  readonly knownGroups: ReadonlyMap<number, unknown> | null;
  readonly followed?: Followed;
}

export function contextOf(state: State, { windowSize }: Bounds = { windowSize: 0 }): Context {
  const { me, userGroups } = state;
  return {
    me: me?.id ?? null,
    groups: userGroups?.own ?? null,
    knownGroups: userGroups?.all ?? null,
    windowSize,
    followed: state.followed,
  };
}

/** Something that must be asked for. */
export type Want =
  | { readonly type: 'sync'; readonly conversation: number; readonly since: number }
  | { readonly type: 'reread'; readonly conversation: number }
  | { readonly type: 'row'; readonly conversation: number }
  | { readonly type: 'account.sync'; readonly since: number }
  | { readonly type: 'reconnect' }
  | { readonly type: 'drafts' }
  | { readonly type: 'groups' }
  | { readonly type: 'threads' };

/** The result of a reducer. */
export interface Reduced {
  readonly state: State;
  /** To be asked for now. */
  readonly wants: readonly Want[];
  /** Messages that just came, one's own included. */
  readonly news: readonly Message[];
  /** To be told to the person. */
  readonly notices?: readonly Notice[];
}

/** The same for one conversation. */
export interface Step {
  readonly next: ConversationState;
  readonly wants: readonly Want[];
  readonly news: readonly Message[];
}

/** The reducer of an event that has a number in its conversation. */
export interface NumberedReducer<T extends NumberedType> {
  /** The people whom the event names. */
  readonly people: (data: Events[T]['data']) => readonly Person[];
  readonly apply: (known: ConversationState, frame: Events[T], context: Context) => Step;
}

/** The reducers of a noun's numbered events. */
export type NumberedReducers<T extends NumberedType> = { readonly [One in T]: NumberedReducer<One> };

/** The reducers of a noun's events without a number. */
export type Reducers<T extends EventType> = {
  readonly [One in T]: (
    state: State,
    frame: Events[One],
    context: Context & { readonly now: number },
  ) => Reduced;
};

export function only(state: State): Reduced {
  return { state, wants: [], news: [] };
}

export function step(
  next: ConversationState,
  wants: readonly Want[] = [],
  news: readonly Message[] = [],
): Step {
  return { next, wants, news };
}

export function withInner(state: ConversationState, inner: Partial<Inner>): ConversationState {
  return { ...state, inner: { ...state.inner, ...inner } };
}
