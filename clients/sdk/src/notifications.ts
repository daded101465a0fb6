// Settings of notifications, and marks of what is unread.
import type { Core } from './core.js';
import type { Input } from './state/index.js';
import type {
  Conversation,
  ConversationNotificationsData,
  Notifications,
  NotificationsSetData,
} from './wire.js';

/** Says what one wants to be notified of, on all devices; absent fields stay. Throws a `Refusal`. */
export function setNotifications({ within }: Core, data: NotificationsSetData): Promise<Notifications> {
  return within.take('notifications.set', data, (notifications) => ({
    type: 'notifications',
    notifications,
  }));
}

/** Says what notifies in a conversation, or mutes it, on all devices; absent fields stay. Throws a `Refusal`. */
export async function setConversationNotifications(
  { within }: Core,
  data: ConversationNotificationsData,
): Promise<void> {
  await within.take('conversation.notifications', data, asRow);
}

/**
 * Marks a conversation as unread from a message on, on all devices, until one reads on. Others see nothing of it.
 * Throws a `Refusal`.
 */
export async function markUnread({ within }: Core, conversation: number, seq: number): Promise<void> {
  await within.take('marker.unread', { conversation, seq }, asRow);
}

/** Everything in all conversations was read. Throws a `Refusal`. */
export async function readAll({ within }: Core): Promise<void> {
  await within.command('marker.read_all', {});
}

const asRow = (row: Conversation): Input => ({ type: 'rows', rows: [row], shown: false });
