import type { ConversationState } from '@palabre/sdk';

/** Whether something in a conversation is unread, or it is marked so. */
export function isUnread({ unread, settings }: ConversationState): boolean {
  return unread > 0 || settings.unread_from !== null;
}
