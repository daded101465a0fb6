/** The operators' names and values as people who use the page in French write them. */
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
  réaction: 'reaction',
  reaction: 'reaction',
  modifié: 'edited',
  modifie: 'edited',
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

function translated(piece: string): string {
  return piece.replace(/(^|\s)(\p{L}+):(\S*)/gu, (whole, before: string, name: string, value: string) => {
    const operator = OPERATORS[name.toLowerCase()] ?? name.toLowerCase();
    if (OPERATORS[name.toLowerCase()] === undefined && !OURS.includes(operator) && operator !== 'from')
      return whole;
    const known = OURS.includes(operator) || operator === 'from' ? VALUES[value.toLowerCase()] : undefined;
    return `${before}${operator}:${known ?? value}`;
  });
}
