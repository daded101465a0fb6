import type { Message } from '@palabre/sdk';
import { client, town } from '../town/town.svelte';

/** Asks when to be reminded of a message. */
export async function remind(message: Message): Promise<void> {
  (await import('./reminders')).askWhen(message);
}

/**
 * Calls back once something is due. An effect: looks after every coming back, and when a reminder has changed. Where that
 * cannot be shown, the settings list it.
 */
export function watchReminders(ondue: () => void): void {
  void town.state.reminderSeq;
  if (town.state.line !== 'online') return;
  client
    .command('reminder.list', { due: true })
    .then(({ reminders }) => {
      if (reminders.length > 0) ondue();
    })
    .catch(() => {});
}
