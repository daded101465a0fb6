// Drafts on all devices of their person.
import type { Core } from './core.js';
import { draftKey } from './state/drafts.js';
import type { DraftSaveData, SavedDraft } from './wire.js';

/**
 * Saves a text that is being written, for all devices of its person; in `replaced` is what another device had saved
 * meanwhile. Servers that keep no drafts have `accountSeq` null in the state. Throws a `Refusal`.
 */
export function saveDraft({ within }: Core, data: DraftSaveData): Promise<SavedDraft> {
  return within.take('draft.save', data, ({ replaced: _replaced, ...draft }) => ({ type: 'draft', draft }));
}

/** Drops a draft on all devices: it was sent, or is not wanted any more. Throws a `Refusal`. */
export async function discardDraft(
  { within }: Core,
  conversation: number,
  edit: number | null = null,
  thread: number | null = null,
): Promise<void> {
  const key = draftKey(conversation, edit, thread);
  const rev = within.state().drafts.get(key)?.rev ?? 0;
  const data = { conversation, edit, ...(thread === null ? {} : { thread }) };
  await within.take('draft.discard', data, () => ({ type: 'draft.gone', key, rev }));
}
