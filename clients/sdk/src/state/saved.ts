// Saved messages, alike on all devices of their person. Which ones there are is not known until it is asked for; from then on
// their events keep it true.
import type { SavedMessage } from '../wire.js';
import { only, type Reducers, type State } from './state.js';

export interface Saved {
  /** Whether all are known: until then `client.loadSaved()` asks for them. */
  readonly whole: boolean;
  /** What is known of a message, by `savedKey`: that it is saved, or that it is not any more; whichever came last. */
  readonly known: ReadonlyMap<string, Known>;
}

interface Known {
  /** The number of the account with which it was saved or taken off. */
  readonly rev: number;
  /** Absent if it was taken off. */
  readonly saved: SavedMessage | null;
}

export function savedKey({ conversation, seq }: Pick<SavedMessage, 'conversation' | 'seq'>): string {
  return `${conversation}/${seq}`;
}

/** Whether a message is saved; `null` as long as that is not known. */
export function isSaved(
  { saved }: State,
  message: Pick<SavedMessage, 'conversation' | 'seq'>,
): boolean | null {
  const known = saved.known.get(savedKey(message));
  return known ? known.saved !== null : saved.whole ? false : null;
}

export const events: Reducers<'message.saved' | 'message.unsaved'> = {
  'message.saved': (state, { data }) => only(putSaved(state, [data])),
  'message.unsaved': (state, { data, account_seq = Infinity }) =>
    only(put(state, [[savedKey(data), { rev: account_seq, saved: null }]])),
};

/** Puts saved messages, unless something later is known of them. */
export function putSaved(state: State, saved: readonly SavedMessage[]): State {
  return put(
    state,
    saved.map((one) => [savedKey(one), { rev: one.rev, saved: one }]),
  );
}

/** Takes the list of all of them; `into` is the `own.begun` with which it was asked for. */
export function takeSaved(state: State, saved: readonly SavedMessage[], into: number): State {
  // Meanwhile the account has begun anew, and what was read may be older.
  if (into !== state.own.begun) return state;
  const next = putSaved(state, saved);
  return { ...next, saved: { ...next.saved, whole: true } };
}

function put(state: State, changes: readonly (readonly [string, Known])[]): State {
  const known = new Map(state.saved.known);
  for (const [key, change] of changes) if (change.rev > (known.get(key)?.rev ?? 0)) known.set(key, change);
  return { ...state, saved: { ...state.saved, known } };
}
