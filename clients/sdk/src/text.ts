// The parts of a message's text, by the grammar of docs/protocol/text.md. Nothing of it is ever HTML.

import { read } from './text/blocks.js';
import type { Found, Part, Span } from './text/part.js';
import { plainOf } from './text/plain.js';

export { hasVisible } from './text/characters.js';
export type { Part, Span } from './text/part.js';

/** Reads a text: its parts follow each other without gaps, and some consist of parts. */
export function parts(text: string): Part[] {
  return read(text).map(partOf);
}

function partOf({ what, parts }: Found): Part {
  return (parts.length > 0 ? { ...what, parts: parts.map(partOf) } : what) as Part;
}

/** The same parts with their places. */
export function spans(text: string): Span[] {
  let [at, scalars] = [0, 0];
  // Places are asked for in their order.
  const place = (unit: number) => {
    for (; at < unit; at += 1) if (!/[\udc00-\udfff]/.test(text[at] ?? '')) scalars += 1;
    return scalars;
  };
  const spanOf = ({ what, start, end, parts }: Found): Span => {
    const from = place(start);
    const inner = parts.map(spanOf);
    return { ...what, from, to: place(end), ...(inner.length > 0 && { parts: inner }) } as Span;
  };
  return read(text).map(spanOf);
}

/** What is shown of a text where nothing can be drawn: without its markers. */
export function plain(text: string): string {
  return plainOf(parts(text));
}

/** Whether a text calls somebody by `@username`, in any case; what stands in code or in a link calls nobody. */
export function mentions(text: string | null, username: string): boolean {
  if (!text || !/[@\uff20]/.test(text)) return false;
  const wanted = sameName(username);
  const calls = (part: Part): boolean =>
    part.kind === 'mention' ? sameName(part.username) === wanted : 'parts' in part && part.parts.some(calls);
  return parts(text).some(calls);
}

/** A name in a form that is equal for equal names: composed by compatibility, without case and what is not drawn.
    Capitals and small letters again come as near to the case folding of Unicode as the language has it. */
export function sameName(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .trim();
}

const ACCENTS =
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/g;
const STROKES: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
};

/** A name as it is searched: without case, accents and strokes. */
function bareName(name: string): string {
  return sameName(name)
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .replace(/[øłđðħŧıæœþ]/g, (letter) => STROKES[letter] ?? letter)
    .normalize('NFC');
}

/** Whether a name is found by what somebody types: by the beginnings of its words, or by any piece of it. */
export function findsName(name: string, search: string): boolean {
  const [within, wanted] = [bareName(name), bareName(search)];
  const [there, typed] = [` ${words(within).join(' ')}`, words(wanted)];
  return within.includes(wanted) || (typed.length > 0 && typed.every((word) => there.includes(` ${word}`)));
}

const words = (bare: string) => bare.split(/[^\p{L}\p{M}\p{N}\p{S}]+/u).filter((word) => word !== '');
