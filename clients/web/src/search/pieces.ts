/** A part of a search: a word, a phrase, or an operator with its value. */
export interface Piece {
  readonly text: string;
  /** Where it begins, in UTF-16 code units, and where it ends. */
  readonly start: number;
  readonly end: number;
  /** The operator's name as it was typed. */
  readonly operator: string | null;
}

/** A word or phrase, perhaps with a hyphen or an operator before it; a quote that nothing closes goes to the end. */
const PIECE = /(-?)(?:(\p{L}+):)?("[^"]*"?|“[^”]*”?|«[^»]*»?|\S+)?/uy;

/** The parts of a search, between which there is space outside of quotes. */
export function pieces(q: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  while (at < q.length) {
    const space = /\s/.test(q[at] ?? '');
    PIECE.lastIndex = at;
    const match = space ? null : PIECE.exec(q);
    if (!match || match[0] === '') {
      at += 1;
      continue;
    }
    const [text, not, operator = null] = match;
    found.push({ text, start: at, end: at + text.length, operator: not ? null : operator });
    at += text.length;
  }
  return found;
}

/** The piece of a search that is being typed: the part up to there, empty between two pieces. */
export function begun(q: string, caret: number): Piece {
  const before = q.slice(0, caret);
  const last = pieces(before).at(-1);
  if (last && last.end === before.length && !isClosed(last.text)) return last;
  return { text: '', start: before.length, end: before.length, operator: null };
}

function isClosed(text: string): boolean {
  return /["”»]$/.test(text) && /["“«].+$/.test(text);
}

/** A search with something in the place of a piece; where to go on typing is behind it. */
export function put(q: string, { start, end }: Pick<Piece, 'start' | 'end'>, text: string): [string, number] {
  const rest = q.slice(end).trimStart();
  const space = text.endsWith(':') || text === '' ? '' : ' ';
  const before = q.slice(0, start) + text + space;
  return [before + rest, before.length];
}

/** A search with something more at its end. */
export function added(q: string, text: string): string {
  const before = q.trimEnd();
  return `${before}${before === '' ? '' : ' '}${text}${text.endsWith(':') ? '' : ' '}`;
}

/** A search without one of its pieces. */
export function without(q: string, piece: Piece): string {
  return put(q, piece, '')[0].trimStart();
}
