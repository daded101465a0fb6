import { plainPlaces } from '@palabre/sdk';

/** A part of an excerpt. */
export interface Part {
  readonly text: string;
  readonly found: boolean;
}

/** Scalar values before the first place that was found, and of the whole excerpt. */
const BEFORE = 40;
const LENGTH = 200;

/** The part of a text around what was found in it, without markers; places are in Unicode scalar values. Lines become
    one. */
export function excerpt(written: string, found: readonly (readonly number[])[]): Part[] {
  const { text, places: highlights } = plainPlaces(written, found);
  const scalars = Array.from(text);
  const start = Math.max(0, (highlights[0]?.[0] ?? 0) - BEFORE);
  const end = Math.min(scalars.length, start + LENGTH);
  const parts: Part[] = [];
  const add = (from: number, to: number, found: boolean) => {
    const piece = scalars.slice(from, to).join('').replace(/\s+/g, ' ');
    if (piece) parts.push({ text: piece, found });
  };
  if (start > 0) parts.push({ text: '…', found: false });
  let at = start;
  for (const [from = 0, to = 0] of highlights) {
    if (from < at || from >= end) continue;
    add(at, from, false);
    at = Math.min(to, end);
    add(from, at, true);
  }
  add(at, end, false);
  if (end < scalars.length) parts.push({ text: '…', found: false });
  return parts;
}
