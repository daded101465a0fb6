import { picturePath } from '@palabre/sdk';
import { home } from '../base';
import { readsFiles } from '../town/reading.svelte';
import { client, town } from '../town/town.svelte';

/** The list is asked for again at most so often, when a name is met that is not known, or all are to be shown. */
const AGAIN_MS = 30_000;
/** The server has custom emoji from this feature level on. */
const LEVEL = 8;

/** The server's own emoji: each name, and where its picture is. */
let list = $state.raw<ReadonlyMap<string, string>>(new Map());
let rev: number | null = null;
let asked = 0;

client.on('signedOut', () => {
  list = new Map();
  rev = null;
  asked = 0;
});

async function ask(): Promise<void> {
  asked = Date.now();
  try {
    const { emoji, rev: now } = await client.command('emoji.list', { rev });
    rev = now;
    if (emoji) list = new Map(emoji.map(({ name, picture }) => [name, home + picturePath(picture)]));
  } catch {
    // It is asked for again when it is next wanted.
  }
}

/** All of them; asks whether there are others by now. */
export function customEmoji(): ReadonlyMap<string, string> {
  if (town.state.featureLevel >= LEVEL && town.state.line === 'online' && Date.now() - asked > AGAIN_MS)
    void ask();
  return readsFiles() ? list : new Map();
}

/** Where the picture of the one of this name is; nothing if there is none, or it is not known yet. */
export function customOf(name: string): string | undefined {
  const known = readsFiles() ? list.get(name) : undefined;
  return known ?? customEmoji().get(name);
}

/** An emoji was added or removed here. */
export function customChanged(): void {
  asked = 0;
  customEmoji();
}
