import type { User, UserGroup } from '@palabre/sdk';
import { client } from '../town/town.svelte';

/** At most this many profiles are asked for at once. */
const AT_ONCE = 100;

/** The people of a group. */
export async function membersOf({ id }: UserGroup): Promise<User[]> {
  const { people } = await client.command('user_group.get', { group: id });
  const users: User[] = [];
  for (let from = 0; from < people.length; from += AT_ONCE) {
    const answer = await client.command('user.list', { users: people.slice(from, from + AT_ONCE) });
    users.push(...answer.users);
  }
  return users;
}

/** Makes a group, or changes what is another. */
export async function saveGroup(
  before: UserGroup | null,
  name: string,
  there: readonly User[],
  wanted: readonly User[],
): Promise<void> {
  const ids = (users: readonly User[]) => users.map(({ id }) => id);
  if (!before) {
    await client.command('user_group.create', { name, people: ids(wanted) });
    return;
  }
  const group = before.id;
  if (name !== before.name) await client.command('user_group.rename', { group, name });
  const added = ids(wanted).filter((id) => !ids(there).includes(id));
  const gone = ids(there).filter((id) => !ids(wanted).includes(id));
  if (gone.length > 0) await client.command('user_group.remove', { group, people: gone });
  if (added.length > 0) await client.command('user_group.add', { group, people: added });
}
