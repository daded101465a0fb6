// The messages that reminders are about. A reminder holds no text: they are asked for, and may be refused.
import type { Message, Reminder } from '@palabre/sdk';
import type { Place } from '../place';
import { aboutOf } from '../text/about';
import { lineOf } from '../text/line';
import { placeOf } from '../threads/places';
import { reason } from '../town/problems';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './words';

/** The messages that were asked for: absent until the answer has come, null where there is none for us. */
let messages = $state.raw<ReadonlyMap<string, Message | null>>(new Map());
const asked = new Set<string>();
client.on('signedOut', () => {
  messages = new Map();
  asked.clear();
});

function put(key: string, message: Message | null): void {
  messages = new Map(messages).set(key, message);
}

const keyOf = ({ conversation, seq }: Reminder) => `${conversation}/${seq}`;

/** Asks for the messages of these reminders, once each. */
export function loadMessages(reminders: readonly Reminder[]): void {
  for (const reminder of reminders) {
    const key = keyOf(reminder);
    if (asked.has(key)) continue;
    asked.add(key);
    const { conversation, seq } = reminder;
    client.command('message.get', { conversation, seq }).then(
      (message) => {
        put(key, message);
        client.loadPeople([message.author.id]);
      },
      () => put(key, null),
    );
  }
}

/** Where it is shown: in the room, or in its thread. */
export function placeOfReminded(reminder: Reminder): Place {
  const message = messages.get(keyOf(reminder));
  const { conversation, seq } = reminder;
  return message ? placeOf(message) : { page: 'talk', conversation, at: seq };
}

/** The author and the conversation; nothing where there is no message for us. */
export function placeAndAuthorOf(reminder: Reminder): string {
  const message = messages.get(keyOf(reminder));
  return message ? aboutOf(message) : '';
}

/** The text of the message; a note of ours if it is not there any more. */
export function textOf(reminder: Reminder): string {
  const message = messages.get(keyOf(reminder));
  if (message === undefined) return '…';
  return (message && lineOf(message)) ?? t().gone;
}

/** Cancels a reminder, or dismisses one that is due. */
export async function cancel({ id }: Reminder): Promise<void> {
  await client
    .command('reminder.cancel', { reminder: id })
    .catch((error: unknown) => toast(reason(error), 'error'));
}
