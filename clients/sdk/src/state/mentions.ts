// Whom a message is for. The server has found them in its text, and says their ids.
import type { Message } from '../wire.js';
import type { Context, ConversationState } from './state.js';
import { isInRoom } from './threads.js';

/** The reader of a message: their id, and the user groups that they belong to. */
export type Viewer = Pick<Context, 'me' | 'groups'>;

/** Whether a message names a person, a user group of theirs, or everybody; and whether it answers one of theirs. */
export function isForMe({ mentions, author }: Message, { me, groups }: Viewer): boolean {
  // Servers before feature level 7 leave the field out.
  if (!mentions || me === null || author.id === me) return false;
  if (mentions.here || mentions.room || mentions.reply_to === me) return true;
  return mentions.people.includes(me) || mentions.groups.some((group) => groups?.has(group));
}

/** Whether an unread message counts as one for the person. */
export function countsForMe(message: Message, viewer: Viewer): boolean {
  return message.deleted_at === null && isForMe(message, viewer);
}

/** The counts of a conversation: in a direct one, everything that is unread is for the person. */
export function counts({ row }: Pick<ConversationState, 'row'>, unread: number, forMe: number) {
  return { unread, unreadForMe: row.kind === 'direct' ? unread : Math.min(unread, Math.max(0, forMe)) };
}

/** A message as it was known before its last change, if it was. */
function knownBefore(state: ConversationState, { seq }: Message): Message | null {
  if (state.lastMessage?.seq === seq) return state.lastMessage;
  return state.timeline?.messages.find((it) => it.seq === seq) ?? null;
}

/**
 * The change of the count by a message that was counted before and has changed since; `null` if it must be asked for,
 * because the message was not known before.
 */
export function changeForMe(state: ConversationState, message: Message, viewer: Viewer): number | null {
  if (state.row.kind === 'direct' || message.seq <= state.readSeq || message.author.id === viewer.me)
    return 0;
  if (!isInRoom(message)) return 0;
  const now = countsForMe(message, viewer);
  // None was for the person, and this is not.
  if (!now && state.unreadForMe === 0) return 0;
  const before = knownBefore(state, message);
  // What is of the present state already says nothing of the one before.
  if (!before || before.rev >= message.rev) return null;
  return Number(now) - Number(countsForMe(before, viewer));
}
