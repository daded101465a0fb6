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

/**
 * `virtual:emoji/en`, `virtual:emoji/fr`: the emoji by group, each with the words by which it is found.
 * Emojibase's own files say much more and would be twice as large on the wire.
 */
export function emoji(): Plugin {
  return {
    name: 'palabre-emoji',
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : undefined),
    load(id) {
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
