// The path of the numbered events of one's own account: in the order of their numbers, and to the reducer of their type.
// Each says what is true now of one thing; numbers between, of which nothing is left to say, are passed over.
import type { AccountChanges, Authenticated, EventFrame } from '../wire.js';
import { hold, turnOf } from './scope.js';
import { empty, only, type AccountFrame, type Own, type Reduced, type State, type Want } from './state.js';
import { knowsThreads } from './threads.js';

/** Applies an event, whatever its number. */
type Apply = (state: State, frame: AccountFrame) => Reduced;

export function isOfAccount(frame: EventFrame): frame is AccountFrame {
  return 'account_seq' in frame && typeof frame.account_seq === 'number';
}

/** Takes a numbered event of one's own account. */
export function hearOfAccount(state: State, frame: AccountFrame, apply: Apply): Reduced {
  const { account_seq, account_after = account_seq - 1 } = frame;
  // Too much was missed. What else there is to know of the account has come with the greeting.
  if (frame.type === 'account.reset')
    return begin(withOwn(state, { discarded: new Map() }), account_seq, new Map());
  const { accountSeq, own } = state;
  if (accountSeq === null) return apply(state, frame);
  switch (turnOf(account_seq, account_after, accountSeq, own.gap)) {
    case 'repeat':
      return only(state);
    case 'held':
      return only(withOwn(state, { held: hold(own.held, frame) }));
    case 'next':
      return reached(apply(state, frame), account_seq);
    case 'missing': {
      const next = withOwn(state, { gap: 'sync', held: [frame] });
      return { ...only(next), wants: [{ type: 'account.sync', since: accountSeq }] };
    }
  }
}

/** Takes what was missed. */
export function takeAccountChanges(state: State, changes: AccountChanges, apply: Apply): Reduced {
  const { accountSeq, own } = state;
  if (accountSeq === null || own.gap === null) return only(state);
  // So much while the line was open: a new connection reads everything again.
  if (changes.reset) return { ...only(withOwn(state, { whole: false })), wants: [{ type: 'reconnect' }] };
  let taken = only(state);
  for (const frame of changes.events as readonly AccountFrame[]) {
    if (frame.account_seq > (taken.state.accountSeq ?? 0))
      taken = then(taken, (now) => reached(apply(now, frame), frame.account_seq));
  }
  taken = reached(taken, changes.to);
  return changes.more ? taken : release(taken, apply);
}

/** The line is there again; `sent` is the cursor that was said. */
export function resumeAccount(
  state: State,
  data: Authenticated,
  sent: number | null,
  foreign: boolean,
): Reduced {
  const head: number | undefined = data.account_seq;
  // A server before feature level 5 numbers nothing, and keeps no drafts.
  if (head === undefined) return only({ ...withOwn(state, { whole: false }), accountSeq: null });
  const live = withOwn(state, { liveFrom: head });
  // The missed events come in the next frames.
  if (sent !== null && !foreign) return { ...only(live), wants: unreadThreads(live) };
  return foreign
    ? begin(withOwn(live, { discarded: new Map() }), head, new Map())
    : begin(live, head, state.drafts);
}

/** The cursor to come back with; `null` unless everything before it is known. */
export function resumesAccountFrom({ accountSeq, own }: State): number | null {
  return own.whole ? accountSeq : null;
}

/** Whether the own account is known as it is, drafts included: everything that was missed has been told. */
export function knowsAccount({ accountSeq, own }: State): boolean {
  return own.whole && own.gap === null && (accountSeq ?? 0) >= own.liveFrom;
}

/** The line is cut: the next connection fills the gap. */
export function cutAccount(state: State): State {
  return state.own.gap === null ? state : withOwn(state, { gap: null, held: [] });
}

/** Begins at a number: the drafts up to it are read, and of saved messages nothing is known until they are asked for. */
function begin(state: State, accountSeq: number, drafts: State['drafts']): Reduced {
  const own = { whole: false, begun: state.own.begun + 1 };
  const begun = { ...withOwn(state, own), accountSeq, drafts, saved: empty.saved, threadsRead: false };
  return { ...only(begun), wants: [{ type: 'drafts' }, ...unreadThreads(begun)] };
}

/** The threads that one follows are to be read, unless they were or the server knows none. */
function unreadThreads(state: State): Want[] {
  return knowsThreads(state) && !state.threadsRead ? [{ type: 'threads' }] : [];
}

/** The gap is filled: applies the events that were held back. */
function release(from: Reduced, apply: Apply): Reduced {
  const { held } = from.state.own;
  const open = { ...from, state: withOwn(from.state, { gap: null, held: [] }) };
  return held.reduce((taken, frame) => then(taken, (now) => hearOfAccount(now, frame, apply)), open);
}

function reached(reduced: Reduced, seq: number): Reduced {
  return {
    ...reduced,
    state: { ...reduced.state, accountSeq: Math.max(seq, reduced.state.accountSeq ?? 0) },
  };
}

function then(before: Reduced, next: (state: State) => Reduced): Reduced {
  const { state, wants, news } = next(before.state);
  return { state, wants: [...before.wants, ...wants], news: [...before.news, ...news] };
}

function withOwn(state: State, own: Partial<Own>): State {
  return { ...state, own: { ...state.own, ...own } };
}
