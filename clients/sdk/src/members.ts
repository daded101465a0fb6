// Reads the members of a conversation by pages: for one that is so large that its `members` are not loaded.
import type { Core } from './core.js';
import type { Members } from './wire.js';

const PAGE = 200;

/**
 * A page of a conversation's members; their presence goes into the state. `cursor` is the `next_cursor` of the page
 * before. Throws a `Refusal`.
 */
export async function loadMembers(
  { within: { state, dispatch, ask } }: Core,
  conversation: number,
  cursor: string | null = null,
): Promise<Members> {
  const { limits } = state();
  const limit = Math.min(PAGE, limits?.list_page ?? PAGE);
  const page = await ask('member.list', { conversation, limit, cursor });
  const users = page.members.map(({ user }) => user.id).slice(0, limits?.presence_members);
  if (users.length > 0)
    dispatch({ type: 'presences', people: (await ask('presence.get', { users })).people });
  return page;
}
