// The reminders as they were last read.
import type { Reminder } from '@palabre/sdk';
import { untrack } from 'svelte';
import { client, town } from '../town/town.svelte';

let listed = $state.raw<readonly Reminder[]>([]);
client.on('signedOut', () => (listed = []));

/** By their moments. */
export function reminders(): readonly Reminder[] {
  return listed;
}

/** An effect of those who show them: reads them anew after every coming back, and when one has changed. */
export function followReminders(): void {
  void town.state.reminderSeq;
  if (town.state.line !== 'online') return;
  untrack(() => client.command('reminder.list', {})).then(
    (answer) => (listed = answer.reminders),
    // The next coming back, or the next change, reads them.
    () => {},
  );
}
