// Drafts: texts that are being written, alike on all devices of their person. The later change of one stands for it.
import type { Draft, DraftKey } from '../wire.js';
import { only, type Reducers, type State } from './state.js';

/** By conversation and by the message that is edited, or the thread in which it will stand; see `draftKey`. */
export type Drafts = ReadonlyMap<string, Draft>;

/** One text is written in a conversation, one in each thread, and one for each message that is edited there. */
export function draftKey(
  conversation: number,
  edit: number | null = null,
  thread: number | null = null,
): string {
  if (edit !== null) return `${conversation}/${edit}`;
  return thread === null ? `${conversation}` : `${conversation}/t${thread}`;
}

/** Which draft it is. Servers before feature level 7 say nothing of threads. */
function keyOf({ conversation, edit, thread }: DraftKey): string {
  return draftKey(conversation, edit, (thread as number | null | undefined) ?? null);
}

export const events: Reducers<'draft.saved' | 'draft.discarded'> = {
  'draft.saved': (state, { data }) => only(putDraft(state, data)),
  'draft.discarded': (state, { data, account_seq }) =>
    only(dropDraft(state, keyOf(data), account_seq ?? Infinity)),
};

/** Puts a draft in place of an earlier state of it. */
export function putDraft(state: State, draft: Draft): State {
  const key = keyOf(draft);
  if (draft.rev <= Math.max(state.drafts.get(key)?.rev ?? 0, state.own.discarded.get(key) ?? 0)) return state;
  return { ...state, drafts: new Map(state.drafts).set(key, draft) };
}

/** It was discarded, in the state up to `rev`; what was saved after that stays. */
export function dropDraft(state: State, key: string, rev: number): State {
  if (rev <= (state.own.discarded.get(key) ?? 0)) return state;
  const discarded = new Map(state.own.discarded).set(key, rev);
  const next = { ...state, own: { ...state.own, discarded } };
  if ((state.drafts.get(key)?.rev ?? Infinity) > rev) return next;
  const drafts = new Map(state.drafts);
  drafts.delete(key);
  return { ...next, drafts };
}

/** Takes the list of all drafts, which was asked for when the cursor was `since`: later changes stay. */
export function takeDrafts(state: State, listed: readonly Draft[], since: number): State {
  const drafts = new Map([...state.drafts].filter(([, draft]) => draft.rev > since));
  const begun: State = { ...state, drafts, own: { ...state.own, whole: true } };
  return listed.reduce(putDraft, begun);
}
