// User groups: which there are, and to which of them one belongs. The list is asked for after every coming back, and
// when one belongs to others; the server does not tell it again if nothing has changed.
import type { UserGroup, UserGroups as Listed } from '../wire.js';
import { only, type Reducers, type State } from './state.js';

export interface UserGroups {
  /** The number of the last change of any of them that is known. */
  readonly rev: number;
  readonly all: ReadonlyMap<number, UserGroup>;
  /** Those that one belongs to. */
  readonly own: ReadonlySet<number>;
}

export const events: Reducers<'user_groups.changed'> = {
  'user_groups.changed': (state, { data }) => {
    const known = state.userGroups ?? { rev: 0, all: new Map() };
    const next = { ...state, userGroups: { ...known, own: new Set(data.groups) } };
    return { ...only(next), wants: [{ type: 'groups' }] };
  },
};

/** Takes the list. */
export function takeUserGroups(state: State, { rev, groups }: Listed): State {
  if (!groups || rev < (state.userGroups?.rev ?? 0)) return state;
  const own = new Set(groups.filter(({ mine }) => mine).map(({ id }) => id));
  return { ...state, userGroups: { rev, all: new Map(groups.map((group) => [group.id, group])), own } };
}
