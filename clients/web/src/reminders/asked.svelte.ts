import type { Message } from '@palabre/sdk';

let message = $state.raw<Message | null>(null);

/** The message of which somebody wants to be reminded, until they have said when. */
export function asked(): Message | null {
  return message;
}

/** Asks when. */
export function askWhen(next: Message | null): void {
  message = next;
}
