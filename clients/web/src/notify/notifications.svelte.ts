// The browser's notifications. Loaded by those who want them, and by the settings.
import { isForMe, isInRoom, mentions, type Message, type Notice } from '@palabre/sdk';
import { number } from '../i18n.svelte';
import { keep, kept, watchKept } from '../kept';
import { at } from '../base';
import { go } from '../route.svelte';
import { lineOf } from '../text/line';
import { placeOf } from '../threads/places';
import { client, town } from '../town/town.svelte';
import { isSeen } from '../town/watched';

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
// It is the device's: whichever tab is given a message to tell of must know what was chosen in another.
watchKept(
  () => STORED,
  () => (level = stored()),
);

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
  if (level === 'off' || isSeen(message)) return false;
  // A device that is told while the page is closed is told by its worker while the page is out of sight, too.
  if (kept('push') !== null && !document.hasFocus()) return false;
  if (level === 'all') return true;
  const kind = town.conversations.get(message.conversation)?.row.kind;
  const { me, state } = town;
  const viewer = { me: me?.id ?? null, groups: state.userGroups?.own ?? null };
  // An older server has not looked whom a text names.
  const named = () => me !== null && message.mentions === undefined && mentions(message.text, me.username);
  return kind === 'direct' || isForMe(message, viewer) || named();
}

/** Tells of unread messages of a conversation; the client gives each of them to one tab of this device, once. */
export function notify({ messages, count }: Notice): void {
  const wanted = messages.filter(isWanted);
  // Of more than are given the last one says how many there are.
  const more = count > messages.length && wanted.length === messages.length ? ` (${number(count)})` : '';
  for (const message of wanted) show(message, message === wanted.at(-1) ? more : '');
}

function show(message: Message, more: string): void {
  const conversation = town.conversations.get(message.conversation);
  if (!conversation || !('Notification' in window) || Notification.permission !== 'granted') return;
  const author = town.nameOf(message.author);
  const where = conversation.row.kind === 'direct' ? author : `${author} · ${town.titleOf(conversation)}`;
  // One per conversation: the next takes the place of the last.
  const shown = notification(where + more, {
    body: (lineOf(message) ?? '').slice(0, 200),
    tag: `palabre-${message.conversation}`,
    icon: at('/icon-192.png'),
  });
  if (!shown) return;
  shown.onclick = () => {
    window.focus();
    const place = { page: 'talk', conversation: message.conversation, at: null } as const;
    go(isInRoom(message) ? place : placeOf(message));
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
