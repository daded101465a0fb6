// The inbox as it was last read: its newest page, and those before that were asked for.
import type { InboxItem } from '@palabre/sdk';
import { untrack } from 'svelte';
import { reason } from '../town/problems';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';

let listed = $state.raw<readonly InboxItem[] | null>(null);
let next = $state<string | null>(null);
client.on('signedOut', () => {
  listed = null;
  next = null;
});

/** Newest first; null until they were read. */
export function items(): readonly InboxItem[] | null {
  return listed;
}

export function hasMore(): boolean {
  return next !== null;
}

/** An effect of who shows them: reads the newest anew after every coming back, and when something is new for one. */
export function followInbox(): void {
  void town.state.inboxSeq;
  void town.forMe;
  void newReplies();
  if (town.state.line !== 'online') return;
  untrack(() => void load(null));
}

/** Counts what is unread in followed threads: with it the inbox changes. */
function newReplies(): number {
  return [...town.state.followed.values()].reduce((sum, { unread }) => sum + unread, 0);
}

/** Reads the page before the last that is shown. */
export const loadMore = () => load(next);

async function load(cursor: string | null): Promise<void> {
  try {
    // Servers before feature level 8 refuse the field.
    const threads = town.state.featureLevel >= 8 ? { threads: true } : {};
    const page = await client.command('inbox.list', { ...threads, ...(cursor !== null && { cursor }) });
    const before = cursor === null ? [] : (listed ?? []);
    listed = [...before, ...page.items];
    next = page.next_cursor ?? null;
    client.loadPeople(page.items.map(({ actor }) => actor.id));
  } catch (error) {
    listed ??= [];
    toast(reason(error), 'error');
  }
}

/** Marks one as read; the list shows it at once. */
export async function read(item: InboxItem): Promise<void> {
  if (item.read) return;
  await mark({ items: [item.id] }, ({ id }) => id === item.id);
}

/** Marks everything that is there as read. */
export async function readAll(): Promise<void> {
  const newest = listed?.[0];
  if (newest) await mark({ all_to: newest.id }, () => true);
}

async function mark(
  what: { items: string[] } | { all_to: string },
  isRead: (item: InboxItem) => boolean,
): Promise<void> {
  try {
    await client.command('inbox.read', what);
    listed = listed && listed.map((item) => (isRead(item) ? { ...item, read: true } : item));
  } catch (error) {
    toast(reason(error), 'error');
  }
}
