import type { ConversationState, Message, Person } from '@palabre/sdk';

/**
 * The members who have read a message, as far as they are known. Neither its author nor the reader of this page is among
 * them, nor a member who came later and has never looked.
 */
export function haveRead(
  { markers, members, peer }: Pick<ConversationState, 'markers' | 'members' | 'peer'>,
  { seq, author }: Pick<Message, 'seq' | 'author'>,
  me: number,
): Person[] {
  return [...markers.values()]
    .filter(({ user, read_seq, read_at }) => read_at !== null && read_seq >= seq && user !== author.id)
    .map(({ user }) => members?.get(user)?.user ?? (peer?.id === user ? peer : null))
    .filter((person) => person !== null && person.id !== me) as Person[];
}
