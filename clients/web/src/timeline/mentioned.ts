import { sameName, type ConversationState, type Message } from '@palabre/sdk';
import { town } from '../town/town.svelte';

const known = new WeakMap<object, ReadonlySet<string>>();

/** Whether somebody of this username is in the conversation: a mention of anybody else reaches nobody, and is not shown
    as if it did. As long as the members are not loaded, nobody is. */
function isHere(username: string, { members, peer }: ConversationState): boolean {
  const wanted = sameName(username);
  if (peer && sameName(peer.username) === wanted) return true;
  if (!members) return false;
  let names = known.get(members);
  if (!names) {
    names = new Set([...members.values()].map((member) => sameName(member.user.username)));
    known.set(members, names);
  }
  return names.has(wanted);
}

/** Those whom a name in a text calls. */
export interface Called {
  /** As it is shown: a person under the name that they have now. */
  label: string;
  /** The reader is among them. */
  me: boolean;
  /** Of a person. */
  username: string | null;
}

/** The words for everybody, as the server knows them. */
const ROOM: readonly string[] = ['room', 'all', 'everyone', 'channel'];

/** Those whom a name calls, by what the server has found; null if it is plain text. */
export function calledBy(
  name: string,
  message: Message | null,
  conversation: ConversationState,
): Called | null {
  const wanted = sameName(name);
  const mentions = message?.mentions;
  // What is not stored yet, and what an older server has not looked at.
  if (mentions === undefined) {
    const me = wanted === sameName(town.me?.username ?? '');
    return isHere(name, conversation) ? { label: `@${name}`, me, username: name } : null;
  }
  if (!mentions) return null;
  if ((wanted === 'here' && mentions.here) || (ROOM.includes(wanted) && mentions.room))
    return { label: `@${name}`, me: message?.author.id !== town.me?.id, username: null };
  for (const id of mentions.people) {
    const person = town.people.get(id)?.user ?? conversation.members?.get(id)?.user;
    if (person && sameName(person.username) === wanted)
      return { label: `@${town.nameOf(person)}`, me: id === town.me?.id, username: person.username };
  }
  const groups = town.state.userGroups;
  for (const id of mentions.groups) {
    const group = groups?.all.get(id);
    if (group && sameName(group.name) === wanted)
      return { label: `@${group.name}`, me: groups?.own.has(id) ?? false, username: null };
  }
  return null;
}
