import { plural, speak } from '../i18n.svelte';

export const t = speak({
  en: {
    search: 'Search messages',
    searchIn: (name: string) => `Search in ${name}`,
    hint: 'Words, “a phrase”, -not, from:ann, in:garden, after:2026-01-31, has:link',
    everywhere: 'Search everywhere',
    nothing: 'No results.',
    found: (count: number) => plural(count, '# result', '# results'),
    more: 'Show more',
    in: (name: string, room: string) => `${name} in ${room}`,
    searching: 'Searching…',
  },
  fr: {
    search: 'Rechercher dans les messages',
    searchIn: (name: string) => `Rechercher dans ${name}`,
    hint: 'Mots, « expression », -sans, de:ann, dans:jardin, après:2026-01-31, a:lien',
    everywhere: 'Rechercher partout',
    nothing: 'Aucun résultat.',
    found: (count: number) => plural(count, '# résultat', '# résultats'),
    more: 'Afficher plus',
    in: (name: string, room: string) => `${name} dans ${room}`,
    searching: 'Recherche…',
  },
});
