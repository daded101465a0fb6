import { discardDraft, Refusal, saveDraft } from '@palabre/sdk';
import {
  draft,
  later,
  latest,
  noteSaved,
  offer,
  otherDraft,
  placeOf,
  put,
  same,
  store,
  write,
  type Unsaved,
} from './drafts.svelte';
import { client, town } from './town.svelte';

/** Saves a draft on the server, for the other devices, or discards it there. */
export async function save(key: string): Promise<void> {
  const { owner, busy } = store;
  const own = store.unsaved[key];
  if (!own || busy.has(key)) return;
  busy.add(key);
  store.given.set(key, own.text);
  const rev = await giveTo(key, own);
  busy.delete(key);
  if (store.owner === owner) await settle(key, own, rev);
}

const isBlank = ({ text, parent }: Unsaved) => text.trim() === '' && parent === null;

/** Gives it to the server; its `rev` there, or null if that is not to be had now. */
async function giveTo(key: string, own: Unsaved): Promise<number | null> {
  const { conversation, edit, thread } = placeOf(key);
  const { text, parent, rev } = own;
  try {
    if (isBlank(own)) {
      await discardDraft(client, conversation, edit, thread);
      return rev;
    }
    const where = thread === null ? { conversation, edit } : { conversation, thread };
    const saved = await saveDraft(client, { ...where, text, parent, since: rev });
    if (saved.replaced && !same(saved.replaced, saved)) offer(key, saved.replaced);
    noteSaved(key, saved);
    return saved.rev;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Without a line it waits for the line; a text that is too long waits for its writer.
    if (error.passing && error.code !== 'network') later(key);
    // Of a conversation that one has left there is nothing to discard.
    return own.gone && !error.passing ? rev : null;
  }
}

/** The server has answered: what is the same there needs no copy here; what was changed meanwhile is saved next. */
async function settle(key: string, own: Unsaved, rev: number | null): Promise<void> {
  const now = latest(key);
  if (now && now !== own) {
    put(key, { ...now, rev: rev ?? now.rev });
    if (now.gone) await save(key);
    else later(key);
  } else {
    // Spaces alone are nothing to the server, and stay in the composer.
    const stays = rev === null || (own.text !== '' && isBlank(own));
    if (!stays) put(key);
  }
}

/** Takes the other device's text; one's own is offered in its place. */
export function useOther(key: string): void {
  const [other, own] = [otherDraft(key), draft(key)];
  if (!other) return;
  leaveOther(key);
  write(key, other);
  if (own && (own.text || own.parent !== null)) offer(key, { ...own, here: true });
}

/** Leaves the other device's text; one's own stands. */
export function leaveOther(key: string): void {
  const own = store.unsaved[key];
  offer(key);
  if (own) put(key, { ...own, rev: Math.max(own.rev, town.drafts.get(key)?.rev ?? 0) });
}
