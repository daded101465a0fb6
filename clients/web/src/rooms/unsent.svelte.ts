import { Refusal } from '@palabre/sdk';
import { keep, kept } from '../kept';
import * as drafts from '../town/drafts.svelte';
import { client, town } from '../town/town.svelte';
import { copy } from '../ui/copying';
import { toast } from '../ui/toasts.svelte';

/** A text that cannot go where it was to go: it is on no other screen, and stays until its writer throws it away. */
export interface Unsent {
  readonly key: string;
  /** The title of its conversation; null if nobody here knows it any more. */
  readonly where: string | null;
  readonly text: string;
  /** It was to change a message. */
  readonly edit: boolean;
  /** Throws it away. */
  readonly discard: () => void;
}

/** Conversations that the server says one is not in; and those that it was asked about. */
let foreign = $state.raw<ReadonlySet<number>>(new Set());
const asked = new Set<number>();
/** Messages that were told of. */
const told = new Set<string>();
/** Titles of conversations that one was in when something was written there. */
let titles = $state.raw<Readonly<Record<string, string>>>({});
let owner: number | null = null;

const nameOf = (user: number) => `left.${user}`;
const conversationOf = (key: string) => Number(key.split('/')[0]);
const isGone = (id: number) =>
  !town.conversations.has(id) && (foreign.has(id) || town.state.unknownHeads.get(id) === Infinity);

/** All such texts: refused messages, and drafts of conversations that one is no longer in. */
export function unsent(): Unsent[] {
  if (!town.state.ready) return [];
  const messages = [...town.state.outbox.values()]
    .flat()
    .filter(({ state, conversation }) => state === 'failed' && !town.conversations.has(conversation))
    .map(({ clientId, conversation, text }) => ({
      key: clientId,
      where: titles[conversation] ?? null,
      text,
      edit: false,
      discard: () => client.discard(clientId),
    }));
  const texts = drafts
    .keys()
    .filter((key) => drafts.store.orphans.has(key) || isGone(conversationOf(key)))
    .map((key) => ({ key, text: drafts.draft(key)?.text ?? '' }))
    .filter(({ text }) => text.trim() !== '')
    .map(({ key, text }) => {
      const known = town.conversations.get(conversationOf(key));
      const where = known ? town.titleOf(known) : (titles[conversationOf(key)] ?? null);
      return { key, where, text, edit: drafts.placeOf(key).edit !== null, discard: () => drafts.drop(key) };
    });
  return [...messages, ...texts];
}

/** Says which messages could not be sent to conversations that one is no longer in. An effect of what the town knows. */
export function watchUnsent(): void {
  const { ready, outbox, line } = town.state;
  if (!ready) return;
  for (const [conversation, pending] of outbox) {
    if (town.conversations.has(conversation)) continue;
    for (const { clientId, state, text } of pending) {
      if (state !== 'failed' || told.has(clientId)) continue;
      told.add(clientId);
      void say((words) => {
        const act = { label: words.copy, run: () => copy(text) };
        toast(words.notSent(text.slice(0, 80)), 'error', act);
      });
    }
  }
  for (const id of new Set(drafts.keys().map(conversationOf))) {
    if (town.conversations.has(id) || asked.has(id) || isGone(id) || line !== 'online') continue;
    asked.add(id);
    void ask(id);
  }
}

/** Says something with words that are loaded when they are needed; without them the list of what is unsent says it. */
async function say(it: (words: ReturnType<typeof import('./unsentWords').t>) => void): Promise<void> {
  const words = await import('./unsentWords').catch(() => null);
  if (words) it(words.t());
}

/** A conversation that is not in the list may only be hidden. */
async function ask(id: number): Promise<void> {
  try {
    await client.command('conversation.get', { conversation: id });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'not_found' || error.code === 'forbidden') foreign = new Set(foreign).add(id);
    else asked.delete(id);
  }
}

function remember(next: Readonly<Record<string, string>>): void {
  titles = next;
  if (owner !== null) keep(nameOf(owner), Object.keys(next).length > 0 ? JSON.stringify(next) : null);
}

function readTitles(user: number): Record<string, string> {
  try {
    return JSON.parse(kept(nameOf(user)) ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}

client.subscribe((state, before) => {
  if (state.me && state.me.id !== owner) {
    owner = state.me.id;
    titles = readTitles(owner);
  }
  if (state.line === 'online' && before.line !== 'online') asked.clear();
  if (state.conversations === before.conversations || !state.me) return;
  for (const [id, known] of before.conversations) {
    if (state.conversations.has(id) || !before.me) continue;
    const written = drafts.keys().some((key) => conversationOf(key) === id && drafts.draft(key)?.text.trim());
    if (!written && known.pending.length === 0) continue;
    remember({ ...titles, [id]: town.titleOf(known) });
    if (written) void say((words) => toast(words.keptUnsent));
  }
  const listed = Object.keys(titles).filter((id) => !state.conversations.has(Number(id)));
  const needed = new Set([...drafts.keys().map(conversationOf), ...state.outbox.keys()].map(String));
  const left = listed.filter((id) => needed.has(id));
  if (state.ready && left.length < Object.keys(titles).length)
    remember(Object.fromEntries(left.map((id) => [id, titles[id] ?? ''])));
});

client.on('signedOut', () => {
  owner = null;
  titles = {};
  foreign = new Set();
  asked.clear();
  told.clear();
});
