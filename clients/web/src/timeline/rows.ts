import type { Message, Pending, Person } from '@palabre/sdk';

/** One message, sent or still on its way. */
export interface Entry {
  /** The same before and after it was sent, so that it becomes real in place. */
  readonly key: string;
  readonly author: Person;
  readonly at: string;
  readonly text: string | null;
  readonly parent: number | null;
  readonly message: Message | null;
  readonly pending: Pending | null;
}

/** A line of the timeline. */
export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'entry'; readonly key: string; readonly entry: Entry; readonly first: boolean };

/** Within this time the next message of the same person follows without name and avatar. */
const BREATH_MS = 5 * 60_000;

const keyOf = (message: Message, me: number) =>
  message.author.id === me && message.client_id ? `own-${message.client_id}` : `seq-${message.seq}`;

const entries = new WeakMap<Message | Pending, Entry>();

/** The same object for the same message, so that what did not change is not drawn again. */
function entryOf(thing: Message | Pending, make: () => Entry): Entry {
  let entry = entries.get(thing);
  if (!entry) entries.set(thing, (entry = make()));
  return entry;
}

function said(message: Message, me: number): Entry {
  return entryOf(message, () => ({
    key: keyOf(message, me),
    author: message.author,
    at: message.created_at,
    text: message.text,
    parent: message.parent,
    message,
    pending: null,
  }));
}

function waiting(pending: Pending, me: Person): Entry {
  return entryOf(pending, () => ({
    key: `own-${pending.clientId}`,
    author: { id: me.id, username: me.username },
    at: new Date(pending.at).toISOString(),
    text: pending.text,
    parent: pending.parent,
    message: null,
    pending,
  }));
}

const dayOf = (at: string) => new Date(at).toDateString();

/** Whether it follows a message of the same person closely. */
function continues(entry: Entry, before: Entry | null): boolean {
  return (
    before !== null &&
    before.author.id === entry.author.id &&
    entry.parent === null &&
    Date.parse(entry.at) - Date.parse(before.at) < BREATH_MS &&
    dayOf(entry.at) === dayOf(before.at)
  );
}

/**
 * The lines of a timeline: a separator for each day, one where the unread messages begin, and the author once for
 * several messages in a row.
 *
 * @param newAfter the number up to which everything had been read when the conversation was opened; null for no line
 */
export function rowsOf(
  messages: readonly Message[],
  pending: readonly Pending[],
  me: Person,
  newAfter: number | null,
): Row[] {
  const all = [...messages.map((one) => said(one, me.id)), ...pending.map((one) => waiting(one, me))];
  const rows: Row[] = [];
  let before: Entry | null = null;
  let marked = newAfter === null;
  for (const entry of all) {
    if (before === null || dayOf(before.at) !== dayOf(entry.at)) {
      rows.push({ kind: 'day', key: `day-${entry.key}`, at: entry.at });
    }
    const isNew = entry.message !== null && newAfter !== null && entry.message.seq > newAfter;
    if (!marked && isNew && entry.author.id !== me.id) {
      rows.push({ kind: 'new', key: 'new' });
      marked = true;
      before = null;
    }
    rows.push({ kind: 'entry', key: entry.key, entry, first: !continues(entry, before) });
    before = entry;
  }
  return rows;
}

/**
 * For each shown message, the people who have read up to it and no further. Nobody is shown to have read their own messages, and
 * a member who came later and has never looked has read nothing, though their marker begins at the head.
 */
export function readersOf(
  messages: readonly Message[],
  markers: Iterable<{ user: number; read_seq: number; read_at: string | null }>,
  me: number,
): Map<number, number[]> {
  const readers = new Map<number, number[]>();
  const last = messages.at(-1);
  if (!last) return readers;
  for (const { user, read_seq, read_at } of markers) {
    if (user === me || read_at === null) continue;
    const seen = messages.findLast((one) => one.seq <= read_seq && one.author.id !== user);
    if (seen) readers.set(seen.seq, [...(readers.get(seen.seq) ?? []), user]);
  }
  return readers;
}
