// Reads which messages are saved, without the messages themselves: few bytes for each.
import type { Core } from './core.js';
import type { AnswerOf, SavedMessage } from './wire.js';

const PAGE = 200;

/** Loads which messages are saved, unless that is known; `isSaved` tells it, and events keep it true. */
export async function loadSaved({ within: { state, dispatch, ask } }: Core): Promise<void> {
  const { saved, own, limits } = state();
  if (saved.whole) return;
  const all: SavedMessage[] = [];
  const limit = Math.min(PAGE, limits?.list_page ?? PAGE);
  let cursor: string | null = null;
  do {
    const page: AnswerOf<'saved.list'> = await ask('saved.list', {
      limit,
      messages: false,
      ...(cursor && { cursor }),
    });
    all.push(...page.entries.map((entry) => entry.saved));
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  dispatch({ type: 'saved', saved: all, into: own.begun });
}
