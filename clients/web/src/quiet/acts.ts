// The acts that silence conversations: each holds on all devices.
import {
  markUnread as markUnreadFrom,
  readAll as readEverything,
  Refusal,
  setConversationNotifications,
  setNotifications,
  type Message,
  type NotificationLevel,
  type NotificationsSetData,
} from '@palabre/sdk';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { confirm } from '../ui/confirm.svelte';
import { toast } from '../ui/toasts.svelte';
import { ends } from './ends';
import { t } from './menuWords';

export function setLevel(conversation: number, level: NotificationLevel): Promise<void> {
  return told(setConversationNotifications(client, { conversation, level }));
}

export function mute(conversation: number, end: keyof typeof ends): Promise<void> {
  return told(setConversationNotifications(client, { conversation, muted_until: ends[end](new Date()) }));
}

export function unmute(conversation: number): Promise<void> {
  return told(setConversationNotifications(client, { conversation, muted_until: null }));
}

export async function markUnread({ conversation, seq }: Message): Promise<void> {
  await told(markUnreadFrom(client, conversation, seq), t().markedUnread);
}

/** Says what one wants to be notified of. */
export function set(change: NotificationsSetData, done?: string): Promise<void> {
  return told(
    setNotifications(client, change).then(() => {}),
    done,
  );
}

/** Reads everything, after asking. */
export async function readAll(): Promise<void> {
  if (await confirm(t().readAllSure, t().readAllDo)) await told(readEverything(client), t().allRead);
}

async function told(doing: Promise<void>, done?: string): Promise<void> {
  try {
    await doing;
    if (done) toast(done);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(reason(error), 'error');
  }
}
