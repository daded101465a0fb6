import { ENDING, hasVisible } from './characters.js';
import type { Code } from './code.js';
import { nextLink, wholeLink } from './links.js';

/** A link with a text of its own, `[text](https://…)`, and where its text stands. */
export interface Label {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
  readonly href: string;
}

/** The links with a text in a stretch of one line. */
export function allLabels(text: string, start: number, end: number, codes: readonly Code[]): Label[] {
  const found: Label[] = [];
  let [open, next] = [-1, 0];
  for (let at = start; at < end;) {
    while (codes[next] && (codes[next]?.start ?? 0) < at) next += 1;
    const code = codes[next];
    if (code?.start === at) {
      if (code.block) open = -1;
      at = code.end;
      continue;
    }
    const c = text[at];
    const label = c === ']' && open >= 0 ? closed(text, open, at, end) : null;
    if (label) found.push(label);
    if (c === '[') open = at;
    else if (c === ']') open = -1;
    at = label?.end ?? at + 1;
  }
  return found;
}

/** The address that the closing parenthesis ends. */
const UNFIT = new RegExp(`[${ENDING}]`, 'u');
const MOST_ADDRESS = 2048;

/** The link whose text stands between these brackets, if there is one. */
function closed(text: string, open: number, close: number, end: number): Label | null {
  if (close + 1 >= end || text[close + 1] !== '(') return null;
  const begin = close + 2;
  const length = addressLength(text.slice(begin, Math.min(end, begin + 2 * MOST_ADDRESS + 4)));
  const target = length < 0 ? null : wholeLink(text.slice(begin, begin + length));
  if (!target || !isHonest(text.slice(open + 1, close), target.address)) return null;
  return { start: open, end: begin + length + 1, from: open + 1, to: close, href: target.href };
}

/** A bracket opens in an address only before an IPv6 address: so none is read twice, however many there are. */
function addressLength(rest: string): number {
  let [at, depth, count] = [0, 0, 0];
  for (const c of rest) {
    if (count > MOST_ADDRESS || UNFIT.test(c)) return -1;
    if (c === '[' && !rest.slice(0, at).endsWith('//')) return -1;
    if (c === ')' && depth === 0) return at;
    if (c === '(') depth += 1;
    if (c === ')') depth -= 1;
    count += 1;
    at += c.length;
  }
  return -1;
}

/** Whether a text may stand for this address: it can be seen, does not turn the direction of what is beside it, and is not
    itself a link to somewhere else. */
function isHonest(label: string, address: string): boolean {
  if (!hasVisible(label) || /[\u202a-\u202e\u2066-\u2069]/.test(label)) return false;
  const link = nextLink(label, 0);
  if (!link) return !label.includes('://');
  return (
    link.target?.address === address &&
    label.slice(link.start, link.end) === label.replace(/^[ \t]+|[ \t]+$/g, '')
  );
}
