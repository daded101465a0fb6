/** Code by its place, with its backticks and without them. */
export interface Code {
  readonly start: number;
  readonly end: number;
  /** Without the backticks, and without the line that names the language. */
  readonly from: number;
  readonly to: number;
  readonly block: boolean;
  readonly language: string;
}

const FENCE = '```';

/** All code of a text, in its order: looked for before all else, because nothing in it means anything. */
export function allCode(text: string): Code[] {
  const found: Code[] = [];
  const lastFence = text.lastIndexOf(FENCE);
  for (let tick = text.indexOf('`'); tick >= 0;) {
    const code = codeAt(text, tick, lastFence);
    if (code) found.push(code);
    tick = text.indexOf('`', code?.end ?? tick + 1);
  }
  return found;
}

function codeAt(text: string, start: number, lastFence: number): Code | null {
  if (text.startsWith(FENCE, start)) {
    const begin = start + FENCE.length;
    const line = languageLine(text, begin);
    // The line behind the fence names the language, unless it is all there is.
    for (const [from, language] of [
      [begin + (line?.[0].length ?? 0), line?.[1] ?? ''] as const,
      [begin, ''] as const,
    ]) {
      const to = closing(text, from, lastFence);
      if (to >= 0) return { start, end: to + FENCE.length, from, to, block: true, language };
    }
  }
  INSIDE.lastIndex = start + 1;
  const to = start + 1 + (INSIDE.exec(text)?.[0].length ?? 0);
  if (to === start + 1 || text[to] !== '`') return null;
  return { start, end: to + 1, from: start + 1, to, block: false, language: '' };
}

const INSIDE = /[^`\r\n]*/y;
const LANGUAGE = /([\w+#-]*)(?:\r\n|\n|\r)/y;

function languageLine(text: string, at: number): RegExpExecArray | null {
  LANGUAGE.lastIndex = at;
  return LANGUAGE.exec(text);
}

/** Where the fence is that closes a block which begins here and is not empty; -1 if there is none. */
function closing(text: string, begin: number, lastFence: number): number {
  const first = begin + ((text.codePointAt(begin) ?? 0) > 0xffff ? 2 : 1);
  return lastFence < first ? -1 : text.indexOf(FENCE, first);
}

/** Its lines as they are shown. Where a block stands in quotes, or behind blanks or the sign of a list, its lines are
    without as many `>` and as many blanks, if they have them. */
export function shownCode(text: string, { from, to, block }: Code, quotes: number, margin: number): string {
  const body = text.slice(from, to);
  if (!block || (quotes === 0 && margin === 0)) return body;
  const bared = new RegExp(`^(?:>[ \\t]?){0,${quotes}}[ \\t]{0,${margin}}`);
  const lines = body.split(/(?<=[\r\n])/);
  const isBegun = /[\r\n]/.test(text[from - 1] ?? '');
  return lines.map((line, at) => (at > 0 || isBegun ? line.replace(bared, '') : line)).join('');
}
