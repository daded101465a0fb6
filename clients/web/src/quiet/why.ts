// Why a message notified, or did not. Loaded when it is asked.
import { FOREVER, type Message, type NotificationExplained } from '@palabre/sdk';
import { isolated, moment } from '../i18n.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './whyWords';

/** Says why a message notified, or did not. */
export async function explain({ conversation, seq }: Message): Promise<void> {
  try {
    const told = await client.command('notifications.explain', { conversation, seq });
    const { why, muted_until, keyword, thread_level, notifies, pushes } = told;
    const until = muted_until !== null && Date.parse(muted_until) < Date.parse(FOREVER) ? muted_until : null;
    const inThread = (thread_level as boolean | undefined) === true;
    const ofThread = why === 'nothing' || why === 'not_mentioned' || why === 'everything';
    let words: string;
    if (inThread && ofThread) words = t()[`thread_${why}`];
    else if (why === 'keyword') words = t().whyKeyword(isolated(keyword ?? ''));
    else if (why === 'muted' && until) words = t().whyMutedUntil(moment(until));
    else words = t()[`why_${why}`];
    toast(notifies ? `${words} ${pushed(pushes, seq)}` : words);
  } catch (error) {
    toast(reason(error), 'error');
  }
}

/** What has become of it on the devices that are told while the page is closed: of the one that came furthest. */
function pushed(pushes: NotificationExplained['pushes'] | undefined, seq: number): string {
  // A server before feature level 8 tells nobody.
  if (!pushes) return '';
  if (pushes.length === 0) return t().pushNone;
  const order = ['sent', 'waiting', 'read', 'given_up'] as const;
  const state = order.find((one) => pushes.some((push) => push.state === one));
  if (state === undefined) return t().pushNothing;
  const gathered = pushes.some((push) => push.state === 'sent' && (push.seq ?? seq) > seq);
  return state === 'sent' && gathered ? t().pushGathered : t()[`push_${state}`];
}
