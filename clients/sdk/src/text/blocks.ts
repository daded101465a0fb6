import { allCode, type Code } from './code.js';
import { inline } from './inline.js';
import { literal, push, type Found } from './part.js';

/** How deep quotes, and lists, may stand in each other. */
const MOST_QUOTES = 3;
const MOST_LISTS = 3;
/** How far to the right a list may begin, and how much farther what belongs to an item, in columns. */
const MOST_INDENT = 3;
const STEP = 2;
/** How many columns a tab counts. */
const TAB = 4;

/** A text that is read. */
export interface Reading {
  readonly text: string;
  readonly codes: readonly Code[];
}

/** A line by its places. The lines of a block of code are one with what stands before and behind it. */
interface Line {
  /** Behind the signs that were taken away. */
  readonly from: number;
  /** Before its end, and behind it. */
  readonly end: number;
  readonly next: number;
  /** Behind the signs of quotes alone. */
  readonly margin: number;
}

/** The sign of an item; `content` is where that begins. */
interface Sign {
  readonly indent: number;
  readonly number: number | null;
  readonly content: number;
}

/** All parts of a text. */
export function read(text: string): Found[] {
  const reading = { text, codes: allCode(text) };
  const out: Found[] = [];
  blocks(reading, lines(reading), 0, out);
  return out;
}

/** The code in a stretch. */
export function codesIn({ codes }: Reading, start: number, end: number): readonly Code[] {
  const first = (place: number) => {
    let [low, high] = [0, codes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((codes[middle]?.start ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return codes.slice(first(start), first(end));
}

function lines({ text, codes }: Reading): Line[] {
  const found: Line[] = [];
  const ends = /\r\n|\n|\r/g;
  let [from, code] = [0, 0];
  for (let match = ends.exec(text); match; match = ends.exec(text)) {
    while ((codes[code]?.end ?? Infinity) <= match.index) code += 1;
    const around = codes[code];
    if (around && around.start < match.index) {
      ends.lastIndex = around.end;
      continue;
    }
    found.push({ from, end: match.index, next: ends.lastIndex, margin: from });
    from = ends.lastIndex;
  }
  if (from < text.length) found.push({ from, end: text.length, next: text.length, margin: from });
  return found;
}

/** Reads lines that stand in so many quotes. The end of the last line in a quote is not shown. */
function blocks(reading: Reading, lines: readonly Line[], quotes: number, out: Found[]): void {
  for (let at = 0; at < lines.length;) {
    const quoted = quotes < MOST_QUOTES ? unquoted(reading, lines, at) : [];
    const list = quoted.length > 0 ? null : listAt(reading, lines, at, quotes, 1);
    if (quoted.some((line) => !isBlank(reading, line))) {
      const parts: Found[] = [];
      blocks(reading, quoted, quotes + 1, parts);
      out.push({ what: { kind: 'quote' }, ...span(lines, at, quoted.length), parts });
      at += quoted.length;
    } else if (list) {
      out.push(list.found);
      at += list.length;
    } else {
      // Signs of quotes with nothing behind them are text.
      for (const line of lines.slice(at, at + Math.max(quoted.length, 1))) {
        at += 1;
        const title = quoted.length > 0 ? null : heading(reading, line, quotes);
        if (title) out.push(title);
        else textLine(reading, line, quotes, quotes === 0 || at < lines.length, out);
      }
    }
  }
}

const lineText = ({ text }: Reading, { from, end }: Line) => text.slice(from, end);
const isBlank = (reading: Reading, line: Line) => /^\p{White_Space}*$/u.test(lineText(reading, line));

/** The quoted lines without their sign: `>` before a blank, before the end, or before another sign. */
function unquoted(reading: Reading, lines: readonly Line[], at: number): Line[] {
  const found: Line[] = [];
  for (let index = at; index < lines.length; index += 1) {
    const line = lines[index];
    const sign = line && /^>+(?:[ \t]|$)/.test(lineText(reading, line));
    if (!sign) break;
    const from = line.from + (/^>[ \t]/.test(lineText(reading, line)) ? 2 : 1);
    found.push({ ...line, from, margin: from });
  }
  return found;
}

/** One to three `#` and a blank before something. A block of code stands in no heading. */
function heading(reading: Reading, line: Line, quotes: number): Found | null {
  const match = /^(#{1,3})[ \t]+(?![ \t])(?=.*\P{White_Space})/su.exec(lineText(reading, line));
  if (!match || codesIn(reading, line.from, line.end).some((code) => code.block)) return null;
  const parts = inline(reading, line.from + match[0].length, line.end, { quotes, margin: 0 });
  const level = match[1]?.length ?? 1;
  return { what: { kind: 'heading', level }, start: line.from, end: line.next, parts };
}

/** A line of text. The end of a line behind a block of code belongs to the block. */
function textLine(reading: Reading, line: Line, quotes: number, showsEnd: boolean, out: Found[]): void {
  const { text } = reading;
  const begin = line.from + (/^[ \t]*/.exec(lineText(reading, line))?.[0].length ?? 0);
  const margin = [...text.slice(line.margin, begin)].length;
  for (const found of inline(reading, line.from, line.end, { quotes, margin })) push(out, text, found);
  const last = out.at(-1);
  if (last?.what.kind === 'code' && last.what.block && last.end === line.end && line.from < line.end)
    last.end = line.next;
  else if (showsEnd) push(out, text, literal(text, line.end, line.next));
}

/** How many columns of blanks a line begins with. */
function indent(reading: Reading, line: Line): number {
  const blanks = /^[ \t]*/.exec(lineText(reading, line))?.[0] ?? '';
  return [...blanks].reduce((columns, blank) => columns + (blank === '\t' ? TAB : 1), 0);
}

/** The sign of an item: `-`, `*`, `•`, or a number of up to three digits with `.` or `)`, and a blank. Rows of signs are
    drawn, and are no items. */
function signOf(reading: Reading, line: Line): Sign | null {
  const match = /^[ \t]*(?:[-*•]|(\d{1,3})[.)])[ \t]+(?![ \t])(?=.*[^-*•_\p{White_Space}])/su.exec(
    lineText(reading, line),
  );
  if (!match) return null;
  const number = match[1] === undefined ? null : Number(match[1]);
  return { indent: indent(reading, line), number, content: line.from + match[0].length };
}

/** A list that begins with this line, and how many lines it has. */
function listAt(
  reading: Reading,
  lines: readonly Line[],
  begin: number,
  quotes: number,
  depth: number,
): { found: Found; length: number } | null {
  const line = lines[begin];
  const first = line && signOf(reading, line);
  if (!first || first.indent > MOST_INDENT) return null;
  const inside = first.indent + STEP;
  const parts: Found[] = [];
  let at = begin;
  for (let line = lines[at]; line; line = lines[at]) {
    const sign = signOf(reading, line);
    if (!sign || sign.indent >= inside || (sign.number === null) !== (first.number === null)) break;
    let end = at + 1;
    const belongs = (line: Line) => !isBlank(reading, line) && indent(reading, line) >= inside;
    for (let more = lines[end]; more && belongs(more); more = lines[end]) end += 1;
    const base = lines[at + 1];
    const columns = base ? indent(reading, base) : 0;
    const rest = lines.slice(at + 1, end).map((line) => movedIn(reading, line, columns));
    const own = item(reading, [{ ...line, from: sign.content }, ...rest], quotes, depth);
    const what =
      sign.number === null ? ({ kind: 'item' } as const) : ({ kind: 'item', number: sign.number } as const);
    parts.push({ what, ...span(lines, at, end - at), parts: own });
    at = end;
  }
  return { found: { what: { kind: 'list' }, ...span(lines, begin, at - begin), parts }, length: at - begin };
}

/** The content of an item: text, and lists behind it. */
function item(reading: Reading, lines: readonly Line[], quotes: number, depth: number): Found[] {
  const parts: Found[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const list = at > 0 && depth < MOST_LISTS ? listAt(reading, lines, at, quotes, depth + 1) : null;
    if (list) {
      parts.push(list.found);
      at += list.length;
    } else {
      at += 1;
      if (line) textLine(reading, line, quotes, at < lines.length, parts);
    }
  }
  return parts;
}

/** A line without so many columns of blanks. */
function movedIn(reading: Reading, line: Line, most: number): Line {
  let [from, left] = [line.from, most];
  for (; from < line.end; from += 1) {
    const columns = reading.text[from] === '\t' ? TAB : reading.text[from] === ' ' ? 1 : Infinity;
    if (columns > left) break;
    left -= columns;
  }
  return { ...line, from };
}

/** Where so many lines stand, with the end of the last. */
function span(lines: readonly Line[], at: number, count: number): { start: number; end: number } {
  const start = lines[at]?.from ?? 0;
  return { start, end: lines[at + count - 1]?.next ?? start };
}
