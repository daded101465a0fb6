import { sameName, type ConversationState } from '@palabre/sdk';

const known = new WeakMap<object, ReadonlySet<string>>();

/** Whether somebody of this username is in the conversation: a mention of anybody else reaches nobody, and is not shown
    as if it did. As long as the members are not loaded, nobody is. */
export function isHere(username: string, { members, peer }: ConversationState): boolean {
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
