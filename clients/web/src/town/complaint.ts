import { Refusal } from '@palabre/sdk';
import { speak } from '../i18n.svelte';
import { toast } from '../ui/toasts.svelte';

const t = speak({
  en: { other: 'That did not work.', away: 'The server cannot be reached.' },
  fr: { other: 'Cela n’a pas fonctionné.', away: 'Le serveur est injoignable.' },
});

/** Whether the server has answered; else it is away. */
export const isAnswered = (error: unknown): error is Refusal =>
  error instanceof Refusal && error.code !== 'network';

export const away = () => t().away;
export const other = () => t().other;

/** Like `reason`, whose words are loaded when the server refuses something for the first time. */
export async function reasonOf(error: unknown): Promise<string> {
  if (!isAnswered(error)) return away();
  return import('./problems').then(({ reason }) => reason(error), other);
}

/** Tells the reader why something failed. */
export async function complain(error: unknown): Promise<void> {
  toast(await reasonOf(error), 'error');
}
