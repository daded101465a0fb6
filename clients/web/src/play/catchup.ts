// Counts what somebody has missed.
import type { Changes, ConversationState, Message } from '@palabre/sdk';
import type { Frame } from './frames';

export interface Catchup {
  readonly from: number;
  readonly to: number;
  /** It was too much to catch up on: the conversation was read again. */
  readonly reset: boolean;
  readonly messages: number;
  readonly edits: number;
  readonly deletions: number;
  readonly reactions: number;
  /** Comings, goings and new roles. */
  readonly members: number;
}

/** Counts the changes for somebody who knew these messages. */
export function catchupOf(changes: Changes, known: readonly Message[]): Catchup {
  const before = new Map(known.map((message) => [message.seq, message]));
  const kinds = changes.messages.flatMap((message) =>
    whatHappened(message, before.get(message.seq), changes),
  );
  const count = (kind: Kind) => kinds.filter((one) => one === kind).length;
  return {
    from: changes.from,
    to: changes.to,
    reset: changes.reset,
    messages: count('message'),
    edits: count('edit'),
    deletions: count('deletion'),
    reactions: count('reaction'),
    members: changes.members.length,
  };
}

type Kind = 'message' | 'edit' | 'deletion' | 'reaction';

function whatHappened(message: Message, before: Message | undefined, { from }: Changes): Kind[] {
  if (message.deleted_at !== null) return ['deletion'];
  if (message.seq > from) return ['message'];
  // A message that is too old to be known can only be seen to be edited.
  if (!before) return [message.edited_at !== null ? 'edit' : 'reaction'];
  const kinds: Kind[] = [];
  if (message.edited_at !== before.edited_at) kinds.push('edit');
  if (JSON.stringify(message.reactions) !== JSON.stringify(before.reactions)) kinds.push('reaction');
  return kinds;
}

/**
 * Counts what a frame brings to somebody who comes back to a conversation; null if it is another frame.
 *
 * @param conversation as it was known before the frame
 */
export function toldBy({ frame }: Frame, conversation: ConversationState): Catchup | null {
  if (frame?.type === 'authenticated') return upToDate(frame.data, conversation);
  const isMissed = frame?.type === 'conversation.changes' && frame.re === undefined;
  if (!isMissed || frame.conversation !== conversation.id) return null;
  return catchupOf(frame.data as unknown as Changes, conversation.timeline?.messages ?? []);
}

/** A person who has missed nothing gets no changes: only the heads show it. */
function upToDate(data: unknown, { id, cursor }: ConversationState): Catchup | null {
  const heads = (data as { conversations?: readonly { id: number; head: number }[] }).conversations ?? [];
  if (heads.find((one) => one.id === id)?.head !== cursor) return null;
  const none = { messages: 0, edits: 0, deletions: 0, reactions: 0, members: 0 };
  return { from: cursor, to: cursor, reset: false, ...none };
}
