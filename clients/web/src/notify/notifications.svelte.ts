// The browser's notifications. Loaded by those who want them, and by the settings.
import { mentions, type Message } from '@palabre/sdk';
import { keep, kept } from '../kept';
import { at } from '../base';
import { go } from '../route.svelte';
import { client, town } from '../town/town.svelte';
import { isWatched } from '../town/watched';

/** The messages that the browser notifies of while one looks elsewhere. */
export type Level = 'off' | 'direct' | 'all';

const STORED = 'notify';
const LEVELS: readonly string[] = ['off', 'direct', 'all'];

function stored(): Level {
  const level = kept(STORED) ?? 'off';
  return LEVELS.includes(level) ? (level as Level) : 'off';
}

let level = $state<Level>(stored());
client.on('signedOut', () => (level = 'off'));

export function notificationLevel(): Level {
  return level;
}

/** Sets it, after asking the browser's permission where that is needed; false if the browser refused. */
export async function setNotificationLevel(next: Level): Promise<boolean> {
  if (next !== 'off') {
    if (!('Notification' in window)) return false;
    if ((await Notification.requestPermission()) !== 'granted') return false;
  }
  level = next;
  keep(STORED, next);
  return true;
}

function isWanted(message: Message): boolean {
  if (level === 'off' || isWatched(message.conversation)) return false;
  if (level === 'all') return true;
  const kind = town.conversations.get(message.conversation)?.row.kind;
  return kind === 'direct' || (town.me !== null && mentions(message.text, town.me.username));
}

function notify(message: Message): void {
  const conversation = town.conversations.get(message.conversation);
  if (!conversation || !isWanted(message)) return;
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  const author = town.nameOf(message.author);
  const where = conversation.row.kind === 'direct' ? author : `${author} · ${town.titleOf(conversation)}`;
  // One per conversation: the next takes the place of the last.
  const shown = notification(where, {
    body: (message.text ?? '').slice(0, 200),
    tag: `palabre-${message.conversation}`,
    icon: at('/favicon.svg'),
  });
  if (!shown) return;
  shown.onclick = () => {
    window.focus();
    go({ page: 'talk', conversation: message.conversation, at: null });
    shown.close();
  };
}

/** Chrome on Android has the class and lets no page use it. */
function notification(title: string, options: NotificationOptions): Notification | null {
  try {
    return new Notification(title, options);
  } catch {
    return null;
  }
}

client.on('message', notify);
