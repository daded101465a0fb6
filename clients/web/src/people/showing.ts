import { go } from '../route.svelte';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';

/** Brings a conversation that was hidden back into the list, and opens it. */
export async function show(conversation: number): Promise<void> {
  try {
    await client.command('conversation.join', { conversation });
    go({ page: 'talk', conversation, at: null });
  } catch (error) {
    toast(reason(error), 'error');
  }
}
