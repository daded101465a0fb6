import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

const require = createRequire(import.meta.url);

/** The fields of emojibase that are used here. */
interface Source {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
}

/** The groups of Unicode, without that of skin tones and hair. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];
const PREFIX = 'virtual:emoji/';
const NAMES = 'virtual:shortcodes';

/**
 * `virtual:emoji/en`, `virtual:emoji/fr`: the emoji by group, each with the words by which it is found.
 * Emojibase's own files say much more and would be twice as large on the wire.
 * `virtual:shortcodes`: the names of emoji as GitHub has them, with the emoji.
 */
export function emoji(): Plugin {
  return {
    name: 'palabre-emoji',
    resolveId: (id) => (id.startsWith(PREFIX) || id === NAMES ? `\0${id}` : undefined),
    load(id) {
      if (id === `\0${NAMES}`) return `export default ${JSON.stringify(shortcodes())};`;
      if (!id.startsWith(`\0${PREFIX}`)) return undefined;
      const language = id.slice(PREFIX.length + 1);
      const source = require(`emojibase-data/${language}/compact.json`) as Source[];
      const groups = GROUPS.map((group) =>
        source
          .filter((one) => one.group === group)
          .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
          .map((one) => [one.unicode, one.label, (one.tags ?? []).join(' ')]),
      );
      return `export default ${JSON.stringify(groups)};`;
    },
  };
}

/** Each name, with its emoji in its fully qualified form. */
function shortcodes(): [name: string, emoji: string][] {
  const names = require('emojibase-data/en/shortcodes/github.json') as Record<string, string | string[]>;
  const source = require('emojibase-data/en/compact.json') as (Source & { hexcode: string })[];
  return source
    .filter(({ hexcode, group }) => names[hexcode] !== undefined && group !== undefined)
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
    .flatMap(({ hexcode, unicode }) =>
      [names[hexcode] ?? []].flat().map((name): [string, string] => [name, unicode]),
    );
}
