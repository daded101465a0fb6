/** A part of two texts that were compared: in both, or in one of them only. */
export interface Piece {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** Words that are compared with each other at most; of longer texts what differs is shown as one. */
const MOST = 1_000_000;

/** The removed and the added parts of a text, word by word, in the order of reading. */
export function differences(before: string, after: string): Piece[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const least = Math.min(old.length, now.length) - start;
  while (end < least && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const pieces: Piece[] = [];
  add(pieces, 'same', old.slice(0, start).join(''));
  compare(pieces, old.slice(start, old.length - end), now.slice(start, now.length - end));
  add(pieces, 'same', old.slice(old.length - end).join(''));
  return pieces;
}

function compare(pieces: Piece[], old: readonly string[], now: readonly string[]): void {
  let [at, into] = [0, 0];
  if (old.length * now.length <= MOST) {
    const common = commonAfter(old, now);
    const width = now.length + 1;
    while (at < old.length && into < now.length) {
      const here = at * width + into;
      if (old[at] === now[into]) {
        add(pieces, 'same', old[at] ?? '');
        [at, into] = [at + 1, into + 1];
      } else if ((common[here + width] ?? 0) >= (common[here + 1] ?? 0)) {
        add(pieces, 'removed', old[at] ?? '');
        at += 1;
      } else {
        add(pieces, 'added', now[into] ?? '');
        into += 1;
      }
    }
  }
  add(pieces, 'removed', old.slice(at).join(''));
  add(pieces, 'added', now.slice(into).join(''));
}

/** How many words both have in common from each place on, at most. */
function commonAfter(old: readonly string[], now: readonly string[]): Uint16Array {
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  for (let at = old.length - 1; at >= 0; at -= 1) {
    for (let into = now.length - 1; into >= 0; into -= 1) {
      const here = at * width + into;
      const longest = Math.max(common[here + width] ?? 0, common[here + 1] ?? 0);
      common[here] = old[at] === now[into] ? (common[here + width + 1] ?? 0) + 1 : longest;
    }
  }
  return common;
}

/** Words, blanks and signs; in scripts without spaces the browser knows where words end. */
function wordsOf(text: string): string[] {
  if (typeof Intl.Segmenter === 'undefined') return text.match(/\s+|[\p{L}\p{M}\p{N}]+|./gsu) ?? [];
  return [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)].map((it) => it.segment);
}

function add(pieces: Piece[], kind: Piece['kind'], text: string): void {
  if (text === '') return;
  const last = pieces.at(-1);
  if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + text };
  else pieces.push({ kind, text });
}
