// Reads which messages are saved, without the messages themselves: few bytes for each.
import type { Asking } from './asking.js';
import type { AnswerOf, SavedMessage } from './wire.js';

const PAGE = 200;

/** All of them, in the state; asked for once, as long as the state knows them. */
export async function loadSaved({ state, dispatch, ask }: Asking): Promise<void> {
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
