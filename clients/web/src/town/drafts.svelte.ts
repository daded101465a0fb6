import { draftKey, knowsAccount, type State } from '@palabre/sdk';
import { keep, kept } from '../kept';
import { client, town } from './town.svelte';

/** A text as it is being written, with the `seq` of the message that it answers. */
export interface Written {
  readonly text: string;
  readonly parent: number | null;
  /** Among those that are offered: it was written on this device. */
  readonly here?: boolean;
}

/** One that the server does not have yet: stored on this device, so that nothing typed is lost. */
export interface Unsaved extends Written {
  /** The `rev` of the draft from which it was begun. */
  readonly rev: number;
  /** It was sent or given up, and is to be discarded on the server. */
  readonly gone?: boolean;
}

/** Milliseconds of rest after which a text is saved for the other devices. */
export const REST_MS = 3_000;

const nameOf = (user: number) => `drafts.${user}`;

/** What `saving.ts` shares, which is loaded with the first text that is to be saved. */
class Store {
  owner: number | null = null;
  unsaved = $state.raw<Readonly<Record<string, Unsaved>>>({});
  /** Texts that are offered: what other devices had saved and this one has replaced. */
  offered = $state.raw<Readonly<Record<string, Written | undefined>>>({});
  /** Drafts that are on their way to the server. */
  readonly busy = new Set<string>();
  /** The text that was last given to the server: its answer may have been lost. */
  readonly given = new Map<string, string>();
}

export const store = new Store();
/** The texts that were changed since they were last saved. */
const timers = new Map<string, ReturnType<typeof setTimeout>>();
/** The draft in which an input method is composing. */
let composing: string | null = null;

function read(user: number): Record<string, Unsaved> {
  try {
    const all = JSON.parse(kept(nameOf(user)) ?? '{}') as Record<string, Unsaved | string>;
    for (const [key, text] of Object.entries(all)) {
      // Before the server kept drafts they were texts alone.
      if (typeof text === 'string') all[key] = { text, parent: null, rev: 0 };
    }
    return all as Record<string, Unsaved>;
  } catch {
    return {};
  }
}

/** Changes one here, and in the device's storage, where another tab may have others. */
export function put(key: string, draft?: Unsaved): void {
  const { owner, unsaved } = store;
  if (owner === null) return;
  const change = (all: Readonly<Record<string, Unsaved>>) => {
    const { [key]: _before, ...others } = all;
    return draft ? { ...others, [key]: draft } : others;
  };
  store.unsaved = change(unsaved);
  const stored = change(read(owner));
  keep(nameOf(owner), Object.keys(stored).length > 0 ? JSON.stringify(stored) : null);
}

/** The text that is being written under a key: here, else wherever it was saved last. */
export function draft(key: string): Written | undefined {
  const [own, saved] = [store.unsaved[key], town.drafts.get(key)];
  if (!own?.gone) return own ?? saved;
  // It was written anew elsewhere, after it was sent or given up here.
  return saved && saved.rev > own.rev && !store.busy.has(key) ? saved : undefined;
}

/** The text that waits in a conversation to be sent. */
export const waiting = (conversation: number) => draft(draftKey(conversation))?.text.trim() ?? '';

/** The messages of a conversation that somebody has begun to edit, here or elsewhere. */
export function edits(conversation: number): number[] {
  const keys = new Set([...Object.keys(store.unsaved), ...town.drafts.keys()]);
  return [...keys]
    .filter((key) => key.startsWith(`${conversation}/`) && draft(key))
    .map((key) => Number(key.split('/')[1]));
}

/** A text that another device wrote at the same time. */
export function otherDraft(key: string): Written | undefined {
  const [own, saved] = [store.unsaved[key], town.drafts.get(key)];
  if (store.offered[key]) return store.offered[key];
  if (!own || own.gone || !saved || saved.rev <= own.rev || store.busy.has(key)) return undefined;
  return saved.text === store.given.get(key) || same(saved, own) ? undefined : saved;
}

export const same = (one: Written, other: Written) => one.text === other.text && one.parent === other.parent;

/** Offers a text in a draft's place, or none any more. */
export function offer(key: string, written?: Written): void {
  store.offered = { ...store.offered, [key]: written };
}

/** The draft from which a text begins that is changed now. */
function revOf(key: string): number {
  const [own, saved] = [store.unsaved[key], town.drafts.get(key)];
  return own && !own.gone ? own.rev : Math.max(own?.rev ?? 0, saved?.rev ?? 0);
}

/** Writes at a draft. */
export function write(key: string, { text, parent }: Written): void {
  put(key, { text, parent, rev: revOf(key) });
  later(key);
}

/** It was sent or given up. */
export function drop(key: string): void {
  const rev = revOf(key);
  const known = rev > 0 || store.busy.has(key);
  put(key, known ? { text: '', parent: null, rev, gone: true } : undefined);
  offer(key);
  void save(key);
}

/** An input method begins or ends composing: what stands there meanwhile is no text yet. */
export function compose(key: string, on: boolean): void {
  composing = on ? key : null;
  if (!on && store.unsaved[key]) later(key);
}

/** Saves it after a rest, in which no input method composes. */
export function later(key: string): void {
  clearTimeout(timers.get(key));
  timers.set(
    key,
    setTimeout(() => (composing === key ? later(key) : void save(key)), REST_MS),
  );
}

/** The writer goes elsewhere: what was changed is saved at once. */
export function saveNow(key: string): void {
  if (timers.has(key)) void save(key);
}

/** Drafts of other devices are known: nothing is saved over them, or discarded, unawares. */
const caughtUp = (state: State) => state.line === 'online' && knowsAccount(state);

/** Saves it on the server; without a line, or if its part of the client cannot be loaded, that waits for the line. */
async function save(key: string): Promise<void> {
  clearTimeout(timers.get(key));
  timers.delete(key);
  if (!store.unsaved[key] || !caughtUp(town.state)) return;
  const saving = await import('./saving').catch(() => null);
  await saving?.save(key);
}

const saveChanged = () => [...timers.keys()].forEach((key) => void save(key));
document.addEventListener('visibilitychange', () => document.hidden && saveChanged());
addEventListener('pagehide', saveChanged);

client.subscribe((state, before) => {
  const { me } = state;
  if (me && me.id !== store.owner) {
    store.owner = me.id;
    store.unsaved = read(me.id);
  }
  if (!caughtUp(state) || caughtUp(before)) return;
  // What was written without a line. Where another device went on, its text is offered first.
  for (const key of Object.keys(store.unsaved)) {
    if (store.unsaved[key]?.gone && draft(key)) put(key);
    else if (!timers.has(key) && !otherDraft(key)) void save(key);
  }
});

/** Logging out leaves no draft behind. */
client.on('signedOut', () => {
  if (store.owner !== null) keep(nameOf(store.owner), null);
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
  store.given.clear();
  store.owner = null;
  store.unsaved = store.offered = {};
});
