import type { Language } from '../i18n.svelte';

/** The operators' names and values as people who use the page in French write them; the first name of each is shown. */
const OPERATORS: Readonly<Record<string, string>> = {
  de: 'from',
  dans: 'in',
  avant: 'before',
  après: 'after',
  apres: 'after',
  le: 'on',
  a: 'has',
  est: 'is',
  genre: 'type',
};
const VALUES: Readonly<Record<string, string>> = {
  lien: 'link',
  fichier: 'file',
  image: 'image',
  réaction: 'reaction',
  reaction: 'reaction',
  modifié: 'edited',
  modifie: 'edited',
  fil: 'thread',
  salon: 'room',
  groupe: 'group',
  moi: 'me',
};
/** Operators whose values are words of ours; those of the others are names and days. */
const OURS = ['has', 'is', 'type'];

/** A search with its French operators in the protocol's words. What stands in quotes is left as it is. */
export function inEnglish(q: string): string {
  const pieces = q.split(/("[^"]*"?|“[^”]*”?|«[^»]*»?)/);
  return pieces.map((piece, at) => (at % 2 === 1 ? piece : translated(piece))).join('');
}

/** The same for the language of the page: in English nothing changes. */
export function inProtocol(q: string, language: Language): string {
  return language === 'fr' ? inEnglish(q) : q;
}

/** An operator with the beginning of its value, such as `from:ann`, as it is written in the page's language. */
export function inLanguage(text: string, language: Language): string {
  const [, name = '', value = ''] = /^(\w+):(.*)$/s.exec(text) ?? [];
  if (language !== 'fr' || name === '') return text;
  const shown = (names: Readonly<Record<string, string>>, word: string) =>
    Object.keys(names).find((key) => names[key] === word) ?? word;
  const isOurs = OURS.includes(name) || (name === 'from' && value === 'me');
  return `${shown(OPERATORS, name)}:${isOurs ? shown(VALUES, value) : value}`;
}

function translated(piece: string): string {
  return piece.replace(/(^|\s)(\p{L}+):(\S*)/gu, (whole, before: string, name: string, value: string) => {
    const operator = OPERATORS[name.toLowerCase()] ?? name.toLowerCase();
    if (OPERATORS[name.toLowerCase()] === undefined && !OURS.includes(operator) && operator !== 'from')
      return whole;
    const known = OURS.includes(operator) || operator === 'from' ? VALUES[value.toLowerCase()] : undefined;
    return `${before}${operator}:${known ?? value}`;
  });
}
