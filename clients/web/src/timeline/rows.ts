import { filesOf, type File, type Message, type Pending, type Person } from '@palabre/sdk';

/** One message, sent or still on its way. */
export interface Entry {
  /** The same before and after it was sent, so that it becomes real in place. */
  readonly key: string;
  readonly author: Person;
  readonly at: string;
  readonly text: string | null;
  readonly files: readonly File[];
  readonly parent: number | null;
  readonly message: Message | null;
  readonly pending: Pending | null;
  /** The day and the moment of `at`, which are compared with those of every neighbour. */
  readonly day: string;
  readonly ms: number;
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
    files: filesOf(message),
    parent: message.parent,
    message,
    pending: null,
    ...momentOf(message.created_at),
  }));
}

function waiting(pending: Pending, me: Person): Entry {
  const at = new Date(pending.at).toISOString();
  return entryOf(pending, () => ({
    key: `own-${pending.clientId}`,
    author: { id: me.id, username: me.username },
    at,
    text: pending.text,
    files: pending.files,
    parent: pending.parent,
    message: null,
    pending,
    ...momentOf(at),
  }));
}

function momentOf(at: string): Pick<Entry, 'day' | 'ms'> {
  const date = new Date(at);
  return { day: date.toDateString(), ms: date.getTime() };
}

/** The lines of an entry, made once: what is the same is not drawn again. */
interface Lines {
  first?: Row;
  next?: Row;
  day?: Row;
}
const lines = new WeakMap<Entry, Lines>();
const NEW: Row = { kind: 'new', key: 'new' };

function lineOf(entry: Entry, which: keyof Lines): Row {
  let made = lines.get(entry);
  if (!made) lines.set(entry, (made = {}));
  made[which] ??=
    which === 'day'
      ? { kind: 'day', key: `day-${entry.key}`, at: entry.at }
      : { kind: 'entry', key: entry.key, entry, first: which === 'first' };
  return made[which];
}

/** Whether it follows a message of the same person closely. */
function continues(entry: Entry, before: Entry | null): boolean {
  return (
    before !== null &&
    before.author.id === entry.author.id &&
    entry.parent === null &&
    entry.ms - before.ms < BREATH_MS &&
    entry.day === before.day
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
    if (before?.day !== entry.day) rows.push(lineOf(entry, 'day'));
    const isNew = entry.message !== null && newAfter !== null && entry.message.seq > newAfter;
    if (!marked && isNew && entry.author.id !== me.id) {
      rows.push(NEW);
      marked = true;
      before = null;
    }
    rows.push(lineOf(entry, continues(entry, before) ? 'next' : 'first'));
    before = entry;
  }
  return rows;
}

/**
 * For each shown message, the people who have read up to it and no further. Nobody is shown to have read their own messages, and
 * a member who came later and has never looked has read nothing, though their marker begins at the head.
 *
 * @param before the readers as they were: where they are the same, the same list is given
 */
export function readersOf(
  messages: readonly Message[],
  markers: Iterable<{ user: number; read_seq: number; read_at: string | null }>,
  me: number,
  before?: ReadonlyMap<number, readonly number[]>,
): Map<number, readonly number[]> {
  const readers = new Map<number, number[]>();
  if (messages.length === 0) return readers;
  for (const { user, read_seq, read_at } of markers) {
    if (user === me || read_at === null) continue;
    let at = lastUpTo(messages, read_seq);
    while (at >= 0 && messages[at]?.author.id === user) at -= 1;
    const seen = messages[at];
    if (!seen) continue;
    const known = readers.get(seen.seq);
    if (known) known.push(user);
    else readers.set(seen.seq, [user]);
  }
  return new Map([...readers].map(([seq, now]) => [seq, sameList(before?.get(seq), now)]));
}

/** The index of the last message up to this number; -1 if there is none. */
function lastUpTo(messages: readonly Message[], seq: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.seq ?? Infinity) <= seq) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function sameList(before: readonly number[] | undefined, now: readonly number[]): readonly number[] {
  const same = before?.length === now.length && before.every((one, at) => one === now[at]);
  return same && before ? before : now;
}
