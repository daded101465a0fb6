// The service worker: it is told where a message is while no page is open, asks the server what it may show of it, and
// shows that. It imports nothing, so that it is one file; it keeps nothing, and answers no page's requests.
declare const self: ServiceWorkerGlobalScope;
export type {};

/** The content of a push. */
interface Told {
  readonly conversation: number;
  readonly ticket: string;
}

/** The parts of a message that may be shown: `push.open`. */
interface Message extends Told {
  readonly seq: number;
  readonly thread: number | null;
  readonly name: string | null;
  readonly author: string;
  readonly text: string | null;
  readonly kind: string;
  readonly read: boolean;
  readonly unread: number;
  readonly language: string;
}

/** The data of a notification: enough to open its message, and to ask whether it was read meanwhile. */
interface Remembered {
  readonly ticket: string;
  readonly path: string;
  readonly unread: number;
  /**
   * Only the server can say whether it is read: it stands in a thread, or nothing was unread even then, as where an edit
   * calls one to a message that one had read.
   */
  readonly asks: boolean;
  /** The message of a reminder, which is over when it is dismissed. */
  readonly reminder: number | null;
}

const WORDS = {
  en: { news: 'New message', reminder: 'Reminder', more: (count: string) => `${count} unread messages` },
  fr: { news: 'Nouveau message', reminder: 'Rappel', more: (count: string) => `${count} messages non lus` },
};
const wordsOf = (language: string) => (language.startsWith('fr') ? WORDS.fr : WORDS.en);

/** What is below the client on its site. */
const at = (path: string) => new URL(path, self.registration.scope).href;
/** What stands below the client on its site and is not the client: documents, the playground, files. */
const OTHERS = /^(?:docs|play|v1)(?![^/?#])/;
const tagOf = (conversation: number) => `palabre-${conversation}`;
/** Older notifications that are asked about at once. */
const MOST = 10;

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil(tell(event.data)));
self.addEventListener('notificationclick', (event) => event.waitUntil(open(event.notification)));

async function tell(data: PushMessageData | null): Promise<void> {
  const told = read(data);
  if (!told) return;
  const answer = await ask(told.ticket);
  if (answer === 'nothing') await close(told.conversation);
  else if (answer === 'unknown') await showUnknown(told);
  else if (answer.read) await close(told.conversation);
  else if (!(await isLookedAt())) await show(answer, told.ticket);
  await tidy(told.conversation);
}

function read(data: PushMessageData | null): Told | null {
  try {
    const { conversation, ticket } = data?.json() as Partial<Told>;
    return typeof conversation === 'number' && typeof ticket === 'string' ? { conversation, ticket } : null;
  } catch {
    return null;
  }
}

/** What may be shown; nothing if the message is gone or not ours to read any more, or nobody is logged in. */
async function ask(ticket: string): Promise<Message | 'nothing' | 'unknown'> {
  try {
    const response = await fetch(at('v1/push/open'), {
      method: 'POST',
      credentials: 'omit',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ ticket }),
    });
    if (response.ok) return (await response.json()) as Message;
    return response.status === 401 || response.status === 404 ? 'nothing' : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The open pages of the client. */
async function pages(): Promise<readonly WindowClient[]> {
  const { scope } = self.registration;
  const all = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return all.filter(({ url }) => url.startsWith(scope) && !OTHERS.test(url.slice(scope.length)));
}

/** Whether somebody is looking at a page of ours: it tells by itself. */
async function isLookedAt(): Promise<boolean> {
  return (await pages()).some((page) => page.visibilityState === 'visible' && page.focused);
}

async function show(message: Message, ticket: string): Promise<void> {
  const { conversation, seq, thread, name, author, text, kind, unread, language } = message;
  const words = wordsOf(language);
  const shown = text ?? words.news;
  const count = unread >= 100 ? '99+' : String(unread);
  const path = thread === null ? `c/${conversation}/${seq}` : `c/${conversation}/t/${thread}/${seq}`;
  const where = name === null ? author : `${author} · ${name}`;
  const isReminder = kind === 'reminder';
  await self.registration.showNotification(isReminder ? `${words.reminder} · ${where}` : where, {
    ...look(conversation, language, {
      ticket,
      path,
      unread: Math.max(1, unread),
      asks: thread !== null || unread === 0,
      reminder: isReminder ? seq : null,
    }),
    body: unread > 1 && !isReminder ? `${shown}\n${words.more(count)}` : shown,
  });
}

/** There is no line to the server: that there is something is all that is known. */
async function showUnknown({ conversation, ticket }: Told): Promise<void> {
  const { language } = self.navigator;
  await self.registration.showNotification('Palabre', {
    ...look(conversation, language, {
      ticket,
      path: `c/${conversation}`,
      unread: 1,
      asks: false,
      reminder: null,
    }),
    body: wordsOf(language).news,
  });
}

/** One notification for each conversation: the next takes the place of the last, and sounds again. */
function look(conversation: number, language: string, data: Remembered): NotificationOptions {
  const again: object = { renotify: true };
  return { tag: tagOf(conversation), icon: at('icon-192.png'), lang: language, data, ...again };
}

async function close(conversation: number): Promise<void> {
  for (const shown of await self.registration.getNotifications({ tag: tagOf(conversation) })) shown.close();
}

/** Closes what was read elsewhere meanwhile, and counts the rest on the icon. */
async function tidy(news: number): Promise<void> {
  const all = await self.registration.getNotifications();
  const others = all.filter(({ tag }) => tag !== tagOf(news)).slice(0, MOST);
  const over = await Promise.all(
    others.map(async (shown) => {
      const answer = await ask((shown.data as Remembered).ticket);
      return answer === 'nothing' || (answer !== 'unknown' && answer.read) ? shown : null;
    }),
  );
  for (const shown of over) shown?.close();
  const left = all.filter((shown) => !over.includes(shown));
  const unread = left.reduce((sum, { data }) => sum + ((data as Remembered | null)?.unread ?? 1), 0);
  // Not every browser has an icon to count on.
  await navigator.setAppBadge?.(unread).catch(() => undefined);
}

async function open(shown: Notification): Promise<void> {
  shown.close();
  const { path } = shown.data as Remembered;
  const [page] = await pages();
  if (!page) {
    await self.clients.openWindow(at(path));
    return;
  }
  page.postMessage({ palabre: 'open', path: `/${path}` });
  // Some browsers refuse where they do not see a click.
  await page.focus().catch(() => undefined);
}
