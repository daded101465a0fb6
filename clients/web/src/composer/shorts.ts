import { findsName, parts } from '@palabre/sdk';
import { home } from '../base';
import { currentLanguage } from '../i18n.svelte';
import { pathOf } from '../place';
import { named, roomOf } from '../text/rooms';
import { customEmoji } from '../text/custom.svelte';
import { loadNames } from '../text/shortcodes.svelte';
import { town } from '../town/town.svelte';
import { folded, loadEmoji, ranked } from './emoji';

/** Something that can be taken: a sign and a name that are shown, and what it puts into the text. */
export interface Option {
  /** The address of a picture in place of the sign. */
  readonly picture?: string;
  readonly sign: string;
  readonly name: string;
  readonly put: string;
}

const MOST = 6;

/** The emoji whose names begin like this, then those that the reader's own words for them find. */
export async function emojiFor(typed: string): Promise<readonly Option[]> {
  const [names, groups] = await Promise.all([loadNames(), loadEmoji(currentLanguage()).catch(() => [])]);
  const wanted = folded(typed);
  const byName = [...names].filter(([name]) => name.startsWith(wanted));
  const inside = [...names].filter(([name]) => !name.startsWith(wanted) && name.includes(wanted));
  const byWords = ranked(groups.flat(), wanted.replaceAll('_', ' ')).map(
    ([emoji, label]) => [label, emoji] as const,
  );
  // The shortest name is what one comes nearest to by typing.
  byName.sort(([a], [b]) => a.length - b.length);
  const found = new Map<string, Option>();
  for (const [name, emoji] of [...byName, ...byWords, ...inside]) {
    if (!found.has(emoji)) found.set(emoji, { sign: emoji, name, put: emoji });
  }
  return [...customFor(wanted), ...found.values()].slice(0, MOST);
}

/** Of the server's own those whose names have this, the ones that begin so first. */
function customFor(wanted: string): Option[] {
  const all = [...customEmoji()].filter(([name]) => name.includes(wanted));
  all.sort(([a], [b]) => Number(b.startsWith(wanted)) - Number(a.startsWith(wanted)));
  return all.slice(0, MOST / 2).map(([name, picture]) => ({ sign: '', picture, name, put: `:${name}: ` }));
}

/** The rooms of the writer that a name finds. */
export function roomsFor(typed: string): readonly Option[] {
  return town.list
    .filter(({ row }) => row.kind === 'room' && row.name && findsName(row.name, typed.replaceAll('-', ' ')))
    .slice(0, MOST)
    .map(({ id, row }) => ({ sign: '#', name: row.name ?? '', put: `${writtenRoom(id, row.name ?? '')} ` }));
}

/** `#name`, where that means this room; else a link to it. */
function writtenRoom(id: number, name: string): string {
  const written = `#${name.replaceAll(' ', '-')}`;
  const [only, more] = parts(written);
  if (only?.kind === 'room' && !more && roomOf(named(name))?.id === id) return written;
  return home + pathOf({ page: 'talk', conversation: id, at: null });
}
