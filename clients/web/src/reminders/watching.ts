import type { Message } from '@palabre/sdk';
import { client, town } from '../town/town.svelte';

/** The view of due reminders; loaded once there is something to show. */
const load = () => import('./reminders');

/** Asks when to be reminded of a message. */
export async function remind(message: Message): Promise<void> {
  (await load()).askWhen(message);
}

/**
 * Shows what is due. An effect: looks after every coming back, and when a reminder has changed. Where that cannot be shown,
 * the settings list it.
 */
export function watchReminders(): void {
  void town.state.reminderSeq;
  if (town.state.line !== 'online') return;
  client
    .command('reminder.list', { due: true })
    .then(async ({ reminders }) => {
      if (reminders.length > 0) await load();
    })
    .catch(() => {});
}
