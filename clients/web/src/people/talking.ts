import { go } from '../route.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';

/** Opens the direct conversation with somebody. Returns whether that went well. */
export async function talkTo(user: number): Promise<boolean> {
  try {
    const made = await client.command('conversation.create', { kind: 'direct', user });
    go({ page: 'talk', conversation: made.id, at: null });
    return true;
  } catch (error) {
    toast(reason(error), 'error');
    return false;
  }
}
