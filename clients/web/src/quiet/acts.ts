// What one does for having quiet: each of it holds on all devices.
import {
  FOREVER,
  Refusal,
  type ConversationState,
  type Message,
  type NotificationLevel,
  type NotificationsSetData,
} from '@palabre/sdk';
import { isolated, moment } from '../i18n.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { confirm } from '../ui/confirm.svelte';
import { toast } from '../ui/toasts.svelte';
import { ends } from './ends';
import { t } from './words';

export function setLevel(conversation: number, level: NotificationLevel): Promise<void> {
  return told(client.setConversationNotifications({ conversation, level }));
}

export function mute(conversation: number, end: keyof typeof ends): Promise<void> {
  return told(client.setConversationNotifications({ conversation, muted_until: ends[end](new Date()) }));
}

export function unmute(conversation: number): Promise<void> {
  return told(client.setConversationNotifications({ conversation, muted_until: null }));
}

export async function markUnread({ conversation, seq }: Message): Promise<void> {
  await told(client.markUnread(conversation, seq), t().markedUnread);
}

/** Says what one wants to be notified of. */
export function set(change: NotificationsSetData, done?: string): Promise<void> {
  return told(
    client.setNotifications(change).then(() => {}),
    done,
  );
}

/** Reads everything, after asking. */
export async function readAll(): Promise<void> {
  if (await confirm(t().readAllSure, t().readAll)) await told(client.readAll(), t().allRead);
}

/** Says why a message notified, or did not. */
export async function explain({ conversation, seq }: Message): Promise<void> {
  try {
    const { why, muted_until, keyword } = await client.command('notifications.explain', {
      conversation,
      seq,
    });
    const until = muted_until !== null && Date.parse(muted_until) < Date.parse(FOREVER) ? muted_until : null;
    if (why === 'keyword') toast(t().whyKeyword(isolated(keyword ?? '')));
    else toast(why === 'muted' && until ? t().whyMutedUntil(moment(until)) : t()[`why_${why}`]);
  } catch (error) {
    toast(reason(error), 'error');
  }
}

/** Whether something in a conversation is unread, or it is marked so. */
export function isUnread({ unread, settings }: ConversationState): boolean {
  return unread > 0 || settings.unread_from !== null;
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
