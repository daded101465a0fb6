import type { ConversationState, Person } from '@palabre/sdk';

/** Those of a conversation who are known: its members, or of a large one those who have said something. */
export function knownIn({ members, timeline }: ConversationState): Person[] {
  const said = timeline?.messages.map(({ author }) => [author.id, { user: author }] as const);
  return [...(members ?? new Map(said)).values()].map(({ user }) => user);
}
