import { isSaved, loadSaved, type Message } from '@palabre/sdk';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './savingWords';

let asking = false;

/** An effect of those who show whether messages are saved: asks which ones are, once that is not known. */
export function knowSaved(): void {
  if (town.state.saved.whole || asking || town.state.line !== 'online') return;
  asking = true;
  const end = () => void (asking = false);
  loadSaved(client).then(end, end);
}

/** The entry of a message's menu: to save it, or to take it off. */
export function savingLabel(message: Message): string {
  return isSaved(town.state, message) ? t().unsave : t().save;
}

/** Saves a message, or takes it off. */
export async function toggleSaved(message: Message): Promise<void> {
  const { conversation, seq } = message;
  const saved = isSaved(town.state, message);
  await client.command(saved ? 'message.unsave' : 'message.save', { conversation, seq });
  toast(saved ? t().isUnsaved : t().isSaved);
}
