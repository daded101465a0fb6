import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './words';

/**
 * Says which messages could not be sent to conversations that one has been removed from: they are on no screen.
 * An effect of what the town knows.
 */
export function tellUnsent(): void {
  if (!town.state.ready) return;
  for (const [conversation, pending] of town.state.outbox) {
    if (town.conversations.has(conversation)) continue;
    for (const { clientId, state, text } of pending) {
      if (state !== 'failed') continue;
      toast(t().notSent(text.slice(0, 80)), 'error');
      client.discard(clientId);
    }
  }
}
