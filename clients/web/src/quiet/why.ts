// Why a message notified, or did not. Loaded when it is asked.
import { FOREVER, type Message } from '@palabre/sdk';
import { isolated, moment } from '../i18n.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './whyWords';

/** Says why a message notified, or did not. */
export async function explain({ conversation, seq }: Message): Promise<void> {
  try {
    const { why, muted_until, keyword, thread_level } = await client.command('notifications.explain', {
      conversation,
      seq,
    });
    const until = muted_until !== null && Date.parse(muted_until) < Date.parse(FOREVER) ? muted_until : null;
    const inThread = (thread_level as boolean | undefined) === true;
    if (inThread && (why === 'nothing' || why === 'not_mentioned' || why === 'everything'))
      toast(t()[`thread_${why}`]);
    else if (why === 'keyword') toast(t().whyKeyword(isolated(keyword ?? '')));
    else toast(why === 'muted' && until ? t().whyMutedUntil(moment(until)) : t()[`why_${why}`]);
  } catch (error) {
    toast(reason(error), 'error');
  }
}
