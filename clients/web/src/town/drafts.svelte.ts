import { draftKey, knowsAccount, uuid, type Draft, type State } from '@palabre/sdk';
import { keep, kept, watchKept } from '../kept';
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
  /** The client id of the message that it becomes: one, in whichever tab it is sent. */
  readonly id?: string;
  /** It was sent or given up, and is to be discarded on the server. */
  readonly gone?: boolean;
  /** Of one that is gone, what it was: another tab may just be saving it. */
  readonly was?: string;
}

/** Milliseconds of rest after which a text is saved for the other devices. */
export const REST_MS = 3_000;

/** For this long, in milliseconds, other tabs see that a text is gone which the server was not known to have. */
const GONE_MS = 10_000;

const nameOf = (user: number) => `drafts.${user}`;
/** The client id with which the text is sent that a tab has saved last. */
const savedNameOf = (user: number) => `drafts.saved.${user}`;

/** What `saving.ts` shares, which is loaded with the first text that is to be saved. */
class Store {
  owner: number | null = null;
  unsaved = $state.raw<Readonly<Record<string, Unsaved>>>({});
  /** Texts that are offered: what other devices had saved and this one has replaced. */
  offered = $state.raw<Readonly<Record<string, Written | undefined>>>({});
  /** The edits of messages that are not there any more. */
  orphans = $state.raw<ReadonlySet<string>>(new Set());
  /** Drafts that are on their way to the server. */
  readonly busy = new Set<string>();
  /** The text that was last given to the server: its answer may have been lost. */
  readonly given = new Map<string, string>();
}

export const store = new Store();
/** The texts that were changed since they were last saved. */
const timers = new Map<string, ReturnType<typeof setTimeout>>();
/** Texts that the device's storage did not take: they are in this tab alone. */
const unkept = new Set<string>();
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
  const taken = keep(nameOf(owner), Object.keys(stored).length > 0 ? JSON.stringify(stored) : null);
  if (taken || !draft) unkept.delete(key);
  else unkept.add(key);
}

/**
 * Texts whose copy another tab has taken away, mostly because the server has it now, and what the server was known to
 * have then. They stand until its word has come here as well: one would see an empty field for a moment, and press Enter
 * in vain.
 */
const awaited = new Map<string, { readonly own: Unsaved; readonly before: Draft | undefined }>();

/** Another tab has written, sent or given up: what it has left stands here as well. */
function adopt(): void {
  const { owner, unsaved } = store;
  if (owner === null) return;
  const stored = read(owner);
  for (const key of unkept) if (unsaved[key]) stored[key] ??= unsaved[key];
  for (const [key, own] of Object.entries(unsaved)) {
    if (!stored[key] && awaits(key, own)) stored[key] = own;
  }
  const changed = (key: string) => JSON.stringify(stored[key]) !== JSON.stringify(unsaved[key]);
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(unsaved)])].filter(changed);
  if (keys.length === 0) return;
  store.unsaved = stored;
  for (const key of keys) {
    // The tab in which it is written saves it; this one only if that tab is gone by then.
    if (stored[key]) later(key, 3 * REST_MS);
    else forgetTimer(key);
  }
}
watchKept(() => (store.owner === null ? null : nameOf(store.owner)), adopt);

/** Whether the server may still say that it has this text. It does so soon, or never, if the text was sent. */
function awaits(key: string, own: Unsaved): boolean {
  const before = town.drafts.get(key);
  if (own.gone || !caughtUp(town.state) || before?.text === own.text) return false;
  if (awaited.get(key)?.own !== own) {
    awaited.set(key, { own, before });
    forgetTimer(key);
    setTimeout(() => awaited.get(key)?.own === own && letGo(key), GONE_MS);
  }
  return true;
}

/** The server has spoken: what it says stands, unless somebody writes here again. */
function letGo(key: string): void {
  const { [key]: now, ...others } = store.unsaved;
  if (now === awaited.get(key)?.own) store.unsaved = others;
  awaited.delete(key);
}

/** One as any tab has left it last: another may have sent it a moment ago, before its word has come here. */
export function latest(key: string): Unsaved | undefined {
  const own = store.unsaved[key];
  const stored = store.owner === null || unkept.has(key) ? undefined : read(store.owner)[key];
  return stored && JSON.stringify(stored) !== JSON.stringify(own) ? stored : own;
}

/** The text that is being written under a key: here, else wherever it was saved last. */
export function draft(key: string): Written | undefined {
  const [own, saved] = [store.unsaved[key], town.drafts.get(key)];
  if (!own?.gone) return own ?? saved;
  if (saved?.text === own.was) return undefined;
  // It was written anew elsewhere, after it was sent or given up here.
  return saved && saved.rev > own.rev && !store.busy.has(key) ? saved : undefined;
}

/** What a draft's key says: see `draftKey`. */
export function placeOf(key: string): { conversation: number; edit: number | null; thread: number | null } {
  const [conversation, rest] = key.split('/');
  const thread = rest?.startsWith('t') ? Number(rest.slice(1)) : null;
  return { conversation: Number(conversation), edit: rest && thread === null ? Number(rest) : null, thread };
}

/** The keys of all texts that are being written, here or elsewhere. */
export function keys(): string[] {
  return [...new Set([...Object.keys(store.unsaved), ...town.drafts.keys()])].filter((key) => draft(key));
}

/**
 * The client id with which a draft is sent: equal wherever the same draft is sent, so that two tabs or two devices that
 * send it at the same moment send one message.
 */
export function clientIdOf(key: string): string {
  const [own, saved] = [store.unsaved[key], town.drafts.get(key)];
  if (own && !own.gone) return savedElsewhere(key, own) ?? own.id ?? uuid();
  return saved ? idOfSaved(key, saved) : uuid();
}

const idOfSaved = (key: string, { rev, text }: Pick<Draft, 'rev' | 'text'>) =>
  `draft-${key}-${rev}-${digest(text)}`;

/** The server has taken a text: other tabs are told as what it is sent from now on, which may have it from before. */
export function noteSaved(key: string, saved: Pick<Draft, 'rev' | 'text'>): void {
  if (store.owner !== null) keep(savedNameOf(store.owner), idOfSaved(key, saved));
}

/** The client id of a text whose copy another tab has taken away because the server has it, though its word is still to come. */
function savedElsewhere(key: string, { text }: Unsaved): string | null {
  if (store.owner === null || unkept.has(key) || read(store.owner)[key]) return null;
  const id = kept(savedNameOf(store.owner));
  return id?.startsWith(`draft-${key}-`) && id.endsWith(`-${digest(text)}`) ? id : null;
}

/** A few letters that differ where texts differ: after a database came back with less, a `rev` may be another draft's. */
function digest(text: string): string {
  let [one, other] = [0x811c9dc5, 0x1b873593];
  for (let at = 0; at < text.length; at += 1) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193);
    other = Math.imul(other ^ text.charCodeAt(at), 0x85ebca6b);
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36);
}

/** The text that waits in a conversation to be sent. */
export const waiting = (conversation: number) => draft(draftKey(conversation))?.text.trim() ?? '';

/** The messages of a conversation that somebody has begun to edit, here or elsewhere. */
export function edits(conversation: number): number[] {
  return keys()
    .filter((key) => key.startsWith(`${conversation}/`) && !store.orphans.has(key))
    .map((key) => placeOf(key).edit)
    .filter((edit) => edit !== null);
}

/** The message that it changes is not there any more: the text is its writer's all the same. */
export function orphan(key: string): void {
  store.orphans = new Set(store.orphans).add(key);
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
  const own = store.unsaved[key];
  // What another tab has sent meanwhile was another message.
  const sent = own?.id !== undefined && store.owner !== null && read(store.owner)[key]?.id !== own.id;
  const id = own && !own.gone && own.id && (!sent || unkept.has(key)) ? own.id : uuid();
  put(key, { text, parent, rev: revOf(key), id });
  later(key);
}

/** It was sent or given up. */
export function drop(key: string): void {
  const [own, rev] = [store.unsaved[key], revOf(key)];
  const was = draft(key)?.text;
  const known = rev > 0 || store.busy.has(key) || awaited.has(key);
  if (!own && !known) return;
  const gone: Unsaved = { text: '', parent: null, rev, gone: true, ...(was && { was }) };
  put(key, gone);
  offer(key);
  if (known) void save(key);
  // A tab that is saving it at this moment sees that it is gone, and discards it.
  else setTimeout(() => store.unsaved[key] === gone && put(key), GONE_MS);
}

/** An input method begins or ends composing: what stands there meanwhile is no text yet. */
export function compose(key: string, on: boolean): void {
  composing = on ? key : null;
  if (!on && store.unsaved[key]) later(key);
}

/** Saves it after a rest, in which no input method composes. */
export function later(key: string, rest = REST_MS): void {
  clearTimeout(timers.get(key));
  timers.set(
    key,
    setTimeout(() => (composing === key ? later(key) : void save(key)), rest),
  );
}

function forgetTimer(key: string): void {
  clearTimeout(timers.get(key));
  timers.delete(key);
}

/** The writer goes elsewhere: what was changed is saved at once. */
export function saveNow(key: string): void {
  if (timers.has(key)) void save(key);
}

/** For at most this long, in milliseconds, a log-out waits for the server to take what is not saved. */
const PARTING_MS = 2_000;

/** Saves everything that is not saved, as far as there is a line. Returns how many texts the server does not have. */
export async function saveAll(): Promise<number> {
  const end = Date.now() + PARTING_MS;
  for (const [key, { text, parent, gone }] of Object.entries(store.unsaved)) {
    // Spaces alone are nothing.
    if (!gone && text.trim() === '' && parent === null) put(key);
  }
  while (caughtUp(town.state) && Date.now() < end) {
    const before = store.unsaved;
    await Promise.all(Object.keys(before).map((key) => save(key)));
    if (store.busy.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    else if (store.unsaved === before) break;
  }
  return Object.values(store.unsaved).filter(({ gone }) => !gone).length;
}

/** Drafts of other devices are known: nothing is saved over them, or discarded, unawares. */
const caughtUp = (state: State) => state.line === 'online' && knowsAccount(state);

/** Saves it on the server; without a line, or if its part of the client cannot be loaded, that waits for the line. */
async function save(key: string): Promise<void> {
  forgetTimer(key);
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
  for (const [key, { before }] of awaited) if (town.drafts.get(key) !== before) letGo(key);
  if (!caughtUp(state) || caughtUp(before)) return;
  // What was written without a line. Where another device went on, its text is offered first.
  for (const key of Object.keys(store.unsaved)) {
    if (store.unsaved[key]?.gone && draft(key)) put(key);
    else if (!timers.has(key) && !otherDraft(key)) void save(key);
  }
});

/** Whatever has ended the session: what the server does not have stays on the device, for its writer alone. */
client.on('signedOut', () => {
  if (store.owner !== null) keep(savedNameOf(store.owner), null);
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
  store.given.clear();
  unkept.clear();
  awaited.clear();
  store.owner = null;
  store.unsaved = store.offered = {};
  store.orphans = new Set();
});
