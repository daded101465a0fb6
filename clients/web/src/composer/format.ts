import { FENCE, type Selected } from './lines';

/** Puts markers around what is selected, or takes them away; where nothing is, they stand around the caret. A style stays
    within its line, so each line gets its own. */
export function styled(selected: Selected, marker: string): Selected {
  const { text } = selected;
  let { from, to } = selected;
  while (from < to && /\s/.test(text[from] ?? '')) from += 1;
  while (to > from && /\s/.test(text[to - 1] ?? '')) to -= 1;
  const size = marker.length;
  const is = (piece: string) => piece === marker;
  const clear = (at: number) => text[at] !== marker[0];
  // A longer row of markers is another style.
  if (
    is(text.slice(from - size, from)) &&
    is(text.slice(to, to + size)) &&
    clear(from - size - 1) &&
    clear(to + size)
  ) {
    const bare = text.slice(0, from - size) + text.slice(from, to) + text.slice(to + size);
    return { text: bare, from: from - size, to: to - size };
  }
  const inside = text.slice(from, to);
  if (
    inside.length > 2 * size &&
    is(inside.slice(0, size)) &&
    is(inside.slice(-size)) &&
    inside[size] !== marker[0]
  ) {
    const bare = inside.slice(size, -size);
    return { text: text.slice(0, from) + bare + text.slice(to), from, to: from + bare.length };
  }
  const lines = inside
    .split('\n')
    .map((line) => line.replace(/^(\s*)(.*?)(\s*)$/s, wrap(marker, from === to)));
  const put = lines.join('\n');
  const whole = text.slice(0, from) + put + text.slice(to);
  return inside.includes('\n')
    ? { text: whole, from, to: from + put.length }
    : { text: whole, from: from + size, to: from + put.length - size };
}

const wrap = (marker: string, empty: boolean) => (_: string, before: string, inner: string, after: string) =>
  inner === '' && !empty ? `${before}${after}` : `${before}${marker}${inner}${marker}${after}`;

/** Code: between backticks, or in a block if it has several lines. */
export function coded(selected: Selected): Selected {
  const { text, from, to } = selected;
  if (!text.slice(from, to).includes('\n')) return styled(selected, '`');
  const before = from > 0 && text[from - 1] !== '\n' ? '\n' : '';
  const after = to < text.length && text[to] !== '\n' ? '\n' : '';
  const put = `${before}${FENCE}\n${text.slice(from, to)}\n${FENCE}${after}`;
  const begin = from + before.length + FENCE.length + 1;
  return { text: text.slice(0, from) + put + text.slice(to), from: begin, to: begin + to - from };
}

/** A link whose text is what is selected; without an address that is written next. */
export function linked({ text, from, to }: Selected, address = ''): Selected {
  const put = `[${text.slice(from, to).replace(/[[\]\n]/g, ' ')}](${address || 'https://'})`;
  const whole = text.slice(0, from) + put + text.slice(to);
  const at = from + put.length - (address ? 0 : 1);
  return from === to ? { text: whole, from: from + 1, to: from + 1 } : { text: whole, from: at, to: at };
}

/** The signs before lines. */
export type Sign = 'bullets' | 'numbers' | 'quote';

const SIGNS: Readonly<Record<Sign, RegExp>> = {
  bullets: /^[-*•][ \t]+/,
  numbers: /^\d{1,3}[.)][ \t]+/,
  quote: /^>[ \t]?/,
};

/** Puts a sign before each selected line, in the place of another one; takes it away if all of them have it. */
export function signed({ text, from, to }: Selected, sign: Sign): Selected {
  const begin = text.lastIndexOf('\n', from - 1) + 1;
  const found = text.indexOf('\n', to);
  const end = found < 0 ? text.length : found;
  const lines = text.slice(begin, end).split('\n');
  const has = lines.every((line) => SIGNS[sign].test(line));
  const bare = (line: string) =>
    sign === 'quote' ? line : line.replace(SIGNS.bullets, '').replace(SIGNS.numbers, '');
  const put = lines
    .map((line, at) => {
      if (has) return line.replace(SIGNS[sign], '');
      return (sign === 'bullets' ? '- ' : sign === 'quote' ? '> ' : `${at + 1}. `) + bare(line);
    })
    .join('\n');
  const whole = text.slice(0, begin) + put + text.slice(end);
  const moved = begin + put.length;
  return lines.length > 1 ? { text: whole, from: begin, to: moved } : { text: whole, from: moved, to: moved };
}
