import { codesIn, type Reading } from './blocks.js';
import { characterAt, SPACED, UNSPACED, WORD } from './characters.js';
import { shownCode } from './code.js';
import { allLabels } from './labels.js';
import { nextLink } from './links.js';
import { literal, push, type Found } from './part.js';

/** The surroundings of a line: so many quotes, and so many characters before its content. */
interface Within {
  readonly quotes: number;
  readonly margin: number;
}

/** The parts of a stretch of one line. Where `names` is false, neither links nor names are looked for. */
export function inline(reading: Reading, start: number, end: number, within: Within, names = true): Found[] {
  const scan = new Scan(reading.text, start, end, names);
  let at = start;
  for (const leaf of leaves(reading, start, end, within, names)) {
    scan.gap(at, leaf.start);
    scan.leaf(leaf);
    at = leaf.end;
  }
  scan.gap(at, end);
  return scan.built();
}

/** Code and links, in their order. */
function leaves(reading: Reading, start: number, end: number, within: Within, names: boolean): Found[] {
  const out: Found[] = [];
  let at = start;
  for (const label of names ? allLabels(reading.text, start, end, codesIn(reading, start, end)) : []) {
    leavesBetween(reading, at, label.start, within, names, out);
    at = label.end;
    const parts = inline(reading, label.from, label.to, { quotes: 0, margin: 0 }, false);
    const what = { kind: 'link', text: shown(parts), href: label.href } as const;
    out.push({ what, start: label.start, end: label.end, parts });
  }
  leavesBetween(reading, at, end, within, names, out);
  return out;
}

function leavesBetween(
  reading: Reading,
  start: number,
  end: number,
  { quotes, margin }: Within,
  withLinks: boolean,
  out: Found[],
): void {
  const { text } = reading;
  let at = start;
  for (const code of codesIn(reading, start, end)) {
    if (withLinks) links(text, at, code.start, out);
    at = code.end;
    const { block, language } = code;
    const what = { kind: 'code', text: shownCode(text, code, quotes, margin), block } as const;
    out.push({ what: language ? { ...what, language } : what, start: code.start, end: code.end, parts: [] });
  }
  if (withLinks) links(text, at, end, out);
}

function links(text: string, start: number, end: number, out: Found[]): void {
  const stretch = text.slice(start, end);
  for (let link = nextLink(stretch, 0); link; link = nextLink(stretch, link.end)) {
    const shown = stretch.slice(link.start, link.end);
    // Text that looks like a link and may be none is left as it is, mentions and all.
    const what = link.target
      ? ({ kind: 'link', text: shown, href: link.target.href } as const)
      : ({ kind: 'text', text: shown } as const);
    out.push({ what, start: start + link.start, end: start + link.end, parts: [] });
  }
}

/** The text of parts that stand in one line, without markers. */
function shown(parts: readonly Found[]): string {
  return parts
    .map(({ what, parts }) => (parts.length === 0 && 'text' in what ? what.text : shown(parts)))
    .join('');
}

/** `mail@ann` and `@@ann` mention nobody. A name ends where a script without spaces goes on. */
const MENTION = new RegExp(`[@\\uff20](?!\\p{M})${SPACED}(?:${SPACED}|[.-])*`, 'uy');
/** `C#x`, `a/#b` and `&#39` name no room. A name in a script without spaces ends with its word. */
const ROOM = new RegExp(
  `[#\\uff03](?!_|\\p{M})(?:(?=[${UNSPACED}])(?:[${WORD}]|[.-])+|${SPACED}(?:${SPACED}|[.-])*)`,
  'uy',
);
const EMOJI = new RegExp(`:([A-Za-z0-9_+-]{1,64}):(?!:|${SPACED})`, 'uy');
const MARKERS = /\*+|_+|~+/y;

/** Whether a name may begin behind this character: not behind a word of a script with spaces, nor these signs. */
const WORDLIKE = new RegExp(`^${SPACED}$`, 'u');
const mayFollow = (before: string, signs: string) =>
  before === '' || !(WORDLIKE.test(before) || signs.includes(before));

/** A letter, mark or digit of a script with spaces; the marks that choose how an emoji is drawn are none. */
const isWord = (c: string) => c !== '_' && WORDLIKE.test(c) && !/[\ufe00-\ufe0f\u20e3]/.test(c);

const GUARDS = '/\\^<>=';

type Style = 'strong' | 'star' | 'line' | 'strike';

const STYLES: Readonly<Record<string, readonly Style[]>> = {
  '*': ['star'],
  '**': ['strong'],
  '***': ['star', 'strong'],
  _: ['line'],
  '~~': ['strike'],
};

/** A style that has begun: with which row of markers, and how much there was before it that is worth a style. */
interface Open {
  readonly row: number;
  readonly solid: number;
}

/** A part that was found at a place. */
type Mark = { readonly start: number; readonly end: number } & (
  { readonly leaf: Found } | { readonly begins: Style } | { readonly ends: true }
);

/** A line that is read from left to right. Of each style at most one has begun: so it takes no longer than the line is, and
    no style stands in itself. */
class Scan {
  readonly #marks: Mark[] = [];
  /** Rows of equal markers that may begin a style; `left` of them have no end yet, the last ones get theirs first. */
  readonly #rows: { readonly start: number; left: number }[] = [];
  #open = new Map<Style, Open>();
  #solid = 0;

  constructor(
    readonly text: string,
    readonly start: number,
    readonly end: number,
    readonly names: boolean,
  ) {}

  leaf(leaf: Found): void {
    this.#solid += 1;
    // No style goes on behind a block.
    if (leaf.what.kind === 'code' && leaf.what.block) this.#open.clear();
    this.#marks.push({ start: leaf.start, end: leaf.end, leaf });
  }

  /** A stretch between code and links. */
  gap(start: number, end: number): void {
    const text = this.text.slice(0, end);
    let before = '';
    for (let at = start; at < end;) {
      const c = characterAt(text, at);
      const leaf = this.#name(text, at, c, before);
      if (leaf) {
        this.leaf(leaf);
        at = leaf.end;
        before = lastCharacter(text, at);
        continue;
      }
      let length = c.length;
      MARKERS.lastIndex = at;
      const row = MARKERS.exec(text)?.[0];
      if (row) {
        length = row.length;
        const after = at + length < end ? characterAt(text, at + length) : '';
        const left = before || (at === this.start ? null : '');
        this.#row(row, at, left, after || (at + length === this.end ? null : ''));
      } else if (!/[-.\p{White_Space}]/u.test(c)) this.#solid += 1;
      before = c;
      at += length;
    }
  }

  /** A name that begins here. */
  #name(text: string, at: number, c: string, before: string): Found | null {
    const whole = (pattern: RegExp) => {
      pattern.lastIndex = at;
      return pattern.exec(text);
    };
    const leaf = (what: Found['what'], length: number): Found => ({
      what,
      start: at,
      end: at + length,
      parts: [],
    });
    if (this.names && (c === '@' || c === '\uff20') && mayFollow(before, '@\uff20./+-')) {
      const written = whole(MENTION)?.[0].replace(/[.-]+$/, '');
      if (!written) return null;
      return leaf(
        { kind: 'mention', text: written, username: written.slice(1).normalize('NFKC') },
        written.length,
      );
    }
    if (this.names && (c === '#' || c === '\uff03') && mayFollow(before, '#\uff03./+-&')) {
      const written = whole(ROOM)?.[0].replace(/[.-]+$/, '');
      // Numbers alone are no name.
      if (!written || !/[^0-9._-]/.test(written.slice(1))) return null;
      return leaf({ kind: 'room', text: written, name: written.slice(1).normalize('NFKC') }, written.length);
    }
    if (c === ':' && mayFollow(before, ':')) {
      const match = whole(EMOJI);
      if (!match) return null;
      return leaf({ kind: 'emoji', text: match[0], name: (match[1] ?? '').toLowerCase() }, match[0].length);
    }
    return null;
  }

  /** A row of markers: it ends what has begun, or else begins something. Beside it stand characters, the end of the line
      (null), or code, links and names (empty). */
  #row(row: string, at: number, before: string | null, after: string | null): void {
    const styles = STYLES[row];
    if (!styles) return;
    // Paths, escaped characters, code and faces have their signs beside these.
    const guards = row === '_' ? GUARDS + '-' : GUARDS;
    if ([before, after].some((c) => c && guards.includes(c))) return;
    const isBlank = (c: string | null) => c === null || /^\p{White_Space}$/u.test(c);
    // Two markers are rare in a word: `**word**s`.
    const mayEnd = !isBlank(before) && (row.length === 2 || !isWord(after ?? ''));
    const ended = mayEnd && this.#end(styles, at, row.length);
    if (ended || isBlank(after) || isWord(before ?? '')) return;
    const open = { row: this.#rows.length, solid: this.#solid };
    this.#rows.push({ start: at, left: row.length });
    for (const style of styles) this.#open.set(style, open);
  }

  /** Ends the styles that have begun, the last one first; whether there was one. */
  #end(styles: readonly Style[], at: number, length: number): boolean {
    let used = 0;
    const left = new Set(styles);
    for (let last = this.#lastOf(left); last; last = this.#lastOf(left)) {
      const { style, row } = last;
      left.delete(style);
      const width = style === 'strong' || style === 'strike' ? 2 : 1;
      const begun = this.#rows[row];
      if (!begun || begun.left < width || used + width > length) break;
      begun.left -= width;
      const begin = begun.start + begun.left;
      this.#marks.push({ start: begin, end: begin + width, begins: style });
      this.#marks.push({ start: at + used, end: at + used + width, ends: true });
      used += width;
      // What has begun inside and has no end is text.
      for (const [other, open] of this.#open) if (other === style || open.row > row) this.#open.delete(other);
    }
    return used > 0;
  }

  /** Of these styles the one that has begun last; of two that began together the first, which is the inner one. There must
      be something in it. */
  #lastOf(styles: ReadonlySet<Style>): { style: Style; row: number } | null {
    let best: { style: Style; row: number } | null = null;
    for (const style of styles) {
      const open = this.#open.get(style);
      if (open && open.solid < this.#solid && open.row > (best?.row ?? -1)) best = { style, row: open.row };
    }
    return best;
  }

  /** The parts, nested as their markers are. */
  built(): Found[] {
    const around: { style: Style; start: number; outer: Found[] }[] = [];
    let parts: Found[] = [];
    let at = this.start;
    for (const mark of this.#marks.sort((one, other) => one.start - other.start)) {
      push(parts, this.text, literal(this.text, at, mark.start));
      at = mark.end;
      if ('leaf' in mark) push(parts, this.text, mark.leaf);
      else if ('begins' in mark) {
        around.push({ style: mark.begins, start: mark.start, outer: parts });
        parts = [];
      } else {
        const { style, start, outer } = around.pop() ?? { style: 'star', start: at, outer: [] };
        const kind = style === 'star' || style === 'line' ? 'emphasis' : style;
        outer.push({ what: { kind }, start, end: mark.end, parts });
        parts = outer;
      }
    }
    push(parts, this.text, literal(this.text, at, this.end));
    return parts;
  }
}

function lastCharacter(text: string, end: number): string {
  return characterAt(text, end - (/[\udc00-\udfff]/.test(text[end - 1] ?? '') ? 2 : 1));
}
