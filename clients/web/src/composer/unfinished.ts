// Files that wait for their message, kept on this device: after a reload they are there again, and what has come of them
// is not sent again. Loaded with the first file.
import { town } from '../town/town.svelte';
import { keep as note } from '../kept';
import { scope } from '../base';
import type { File as Uploaded } from '@palabre/sdk';

const DATABASE = `${scope}palabre-uploads`;
const TABLE = 'files';
/** The server keeps what waits for a message for a day. */
const DAY = 86_400_000;

/** A file as it is kept. */
export interface Row {
  readonly key: string;
  readonly person: number;
  readonly draft: string;
  readonly at: number;
  readonly file: File;
  /** The id of the upload that was begun. */
  readonly begun?: string | undefined;
  /** The message that the server has made of it. */
  readonly uploaded?: Uploaded | undefined;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  const request = () => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(TABLE, { keyPath: 'key' });
    return done(opening);
  };
  return (opened ??= request());
}

async function table(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database()).transaction(TABLE, mode).objectStore(TABLE);
}

/** The texts that this tab is writing: other tabs leave them alone. */
const held = new Map<string, () => void>();

/** Takes a file in hand, unless another tab has it. */
function hold(key: string): Promise<boolean> {
  if (held.has(key) || !navigator.locks) return Promise.resolve(true);
  return new Promise((taken) => {
    const until = (lock: Lock | null) => {
      taken(lock !== null);
      return lock && new Promise<void>((free) => held.set(key, free));
    };
    navigator.locks.request(`${DATABASE}.${key}`, { ifAvailable: true }, until).catch(() => taken(true));
  });
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other: what is forgotten is not kept after all. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work, work);
  last = done;
  return done;
}

/** Keeps a file, or what has become of it. Where the browser has no room for it, it lasts as long as the page. */
export function keep(row: Omit<Row, 'person' | 'at'>): Promise<void> {
  const person = town.me?.id;
  return inTurn(async () => {
    if (person === undefined) return;
    await hold(row.key);
    await done((await table('readwrite')).put({ ...row, person, at: Date.now() }));
    note('uploads', 'on');
  });
}

/** It was sent, or is not wanted. */
export function forget(key: string): Promise<void> {
  return inTurn(() => remove(key));
}

async function remove(key: string): Promise<void> {
  const files = await table('readwrite');
  await done(files.delete(key));
  held.get(key)?.();
  held.delete(key);
  if ((await done(files.count())) === 0) note('uploads', null);
}

/** The files of a draft that were kept, and that no other tab has. */
export function restore(draft: string): Promise<Row[]> {
  return inTurn(async () => {
    const rows: Row[] = await done((await table('readonly')).getAll());
    const found: Row[] = [];
    for (const row of rows.sort((a, b) => a.at - b.at)) {
      const isOurs = row.draft === draft && row.person === town.me?.id && !held.has(row.key);
      if (Date.now() - row.at > DAY) await remove(row.key);
      else if (isOurs && (await hold(row.key))) found.push(row);
    }
    return found;
  });
}

/** Nobody's files are left for whoever comes next. */
export function clear(): Promise<void> {
  return inTurn(async () => {
    await done((await table('readwrite')).clear());
    for (const free of held.values()) free();
    held.clear();
    note('uploads', null);
  });
}
