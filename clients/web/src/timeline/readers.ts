import type { ConversationState, Message, Person } from '@palabre/sdk';

/**
 * The members who have read a message, as far as they are known. Neither its author nor the reader of this page is among
 * them, nor a member who came later: their marker begins behind what was said before.
 */
export function haveRead(
  { markers, members, peer }: Pick<ConversationState, 'markers' | 'members' | 'peer'>,
  { seq, author, created_at }: Pick<Message, 'seq' | 'author' | 'created_at'>,
  me: number,
): Person[] {
  // Moments are in order as texts.
  const cameLater = (user: number) => (members?.get(user)?.joined_at ?? '') > created_at;
  return [...markers.values()]
    .filter(({ user, read_seq, read_at }) => read_at !== null && read_seq >= seq && user !== author.id)
    .filter(({ user }) => !cameLater(user))
    .map(({ user }) => members?.get(user)?.user ?? (peer?.id === user ? peer : null))
    .filter((person) => person !== null && person.id !== me) as Person[];
}
