// The parts of a message's text. Put together, their texts are the whole text, but for the backticks around code.
// Nothing of it is ever HTML.

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  | { readonly kind: 'mention'; readonly text: string; readonly username: string }
  /** Text between backticks; between three of them it is a block, with its lines. */
  | { readonly kind: 'code'; readonly text: string; readonly block: boolean };

/** A part with its place in the whole text, from and to, counted in Unicode scalar values. */
export type Span = Part & { readonly from: number; readonly to: number };

/** Scripts in which words are written without spaces between them, or with other words grown on to them. By ranges, as
    `docs/protocol/text.md` has them, so that every client knows the same, whatever its tables. */
const UNSPACED =
  '\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u19e0-\\u19ff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029' +
  '\\u3031-\\u3035\\u3038-\\u303c\\u3040-\\u30fa\\u30fc-\\u318f\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff' +
  '\\ua960-\\ua97f\\ua9e0-\\ua9ff\\uaa60-\\uaa7f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{1aff0}-\\u{1b16f}\\u{20000}-\\u{3ffff}';
/** What no link goes beyond: blanks, signs around it, and punctuation that no address has as it is. */
const ENDING =
  '\\s<>"`«»\\p{Cc}\\p{Cf}\\u2014\\u201c-\\u201f\\u2026\\u2039\\u203a\\u3001-\\u3004\\u3008-\\u3020\\u3030\\u3036\\u3037\\u303d-\\u303f' +
  '\\u30fb\\ufe10-\\ufe1f\\ufe30-\\ufe6f\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65';
const WORD = '\\p{L}\\p{M}\\p{N}_';
/** Where a word of its own may begin; behind these signs, too, it may not. */
const apart = (signs: string) => `(?:(?<![${WORD}${signs}])|(?<=[${UNSPACED}]))`;
/** A letter, mark or digit of a script with spaces. */
const SPACED = `(?![${UNSPACED}])[${WORD}]`;

/** Code first: in it nothing else is looked for. */
const CODE = /```(?:[\w+-]*(?:\r\n|\n|\r))?([\s\S]+?)```|`([^`\r\n]+)`/g;
/** A link with its scheme or `www.`, or a mail address. */
const LINK = new RegExp(
  `${apart('')}(?:https?://|mailto:|www\\.)[^${ENDING}]+` +
    `|${apart('@./+%-')}[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*` +
    `@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,}(?![.-]*(?:@|${SPACED}))`,
  'giu',
);
const GLUED = new RegExp(`[${UNSPACED}]`, 'u');
/** A host in its labels, or an IPv6 address; and a port. */
const HOST = new RegExp(`^(?:\\[[0-9a-f:.]+\\]|([${WORD}-]+(?:\\.[${WORD}-]+)*\\.?))(?::(\\d{0,5}))?$`, 'iu');
/** What stands in no host, nor between one and its port. */
const NO_HOST = new RegExp(`[^${WORD}.:[\\]-]`, 'u');
const BEGINNING = /^(?:https?:\/\/|mailto:|www\.)/i;
/** `mail@ann` and `@@ann` mention nobody. A name ends where a script without spaces goes on. */
const MENTION = new RegExp(
  `${apart('@\\uff20./+-')}[@\\uff20]((?!\\p{M})${SPACED}(?:${SPACED}|[.-])*)`,
  'gu',
);

/** Whether a character is of a script in which words are written without spaces, or with others grown on to them. */
export function isGlued(character: string): boolean {
  return GLUED.test(character);
}

/** Splits a text into plain text, links, mentions and code. */
export function parts(text: string): Part[] {
  return found(text).map(({ part }) => part);
}

/** The same parts with their places. */
export function spans(text: string): Span[] {
  let from = 0;
  let at = 0;
  return found(text).map(({ part, length }) => {
    const to = from + [...text.slice(at, at + length)].length;
    const span = { ...part, from, to };
    [from, at] = [to, at + length];
    return span;
  });
}

/** Whether a text calls somebody by `@username`, in any case; what stands in code or in a link calls nobody. */
export function mentions(text: string | null, username: string): boolean {
  if (!text || !/[@\uff20]/.test(text)) return false;
  const wanted = sameName(username);
  return parts(text).some((part) => part.kind === 'mention' && sameName(part.username) === wanted);
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

/** Whether anything of a text can be seen: the server refuses a message of which nothing can. */
export function hasVisible(text: string): boolean {
  return /(?![\u2800\u{1d159}\ufff9-\ufffc\p{Default_Ignorable_Code_Point}])[\p{L}\p{N}\p{P}\p{S}\p{Cn}]/u.test(
    text,
  );
}

/** A part, and how much of the text it takes. */
interface Found {
  readonly part: Part;
  readonly length: number;
}

function found(text: string): Found[] {
  const all: Found[] = [];
  split(text, CODE, all, plain, (match) => {
    const part: Part = { kind: 'code', text: match[1] ?? match[2] ?? '', block: match[1] !== undefined };
    return { part, length: match[0].length };
  });
  return merged(all);
}

function plain(text: string, all: Found[]): void {
  split(text, LINK, all, mentioning, (match) => {
    // Text that looks like a link and may be none is left as it is, mentions and all.
    return whole(link(match[0]) ?? { kind: 'text', text: match[0] });
  });
}

function mentioning(text: string, all: Found[]): void {
  split(text, MENTION, all, literal, (match) => {
    const written = match[0].replace(/[.-]+$/, '');
    return whole({ kind: 'mention', text: written, username: written.slice(1).normalize('NFKC') });
  });
}

function literal(text: string, all: Found[]): void {
  if (text !== '') all.push(whole({ kind: 'text', text }));
}

function whole(part: Part): Found {
  return { part, length: part.text.length };
}

/** Finds a pattern's matches; what lies between them goes on to `rest`. A match may turn out shorter. */
function split(
  text: string,
  pattern: RegExp,
  all: Found[],
  rest: (text: string, all: Found[]) => void,
  make: (match: RegExpExecArray) => Found,
): void {
  let done = 0;
  const search = new RegExp(pattern);
  for (let match = search.exec(text); match; match = search.exec(text)) {
    const made = make(match);
    rest(text.slice(done, match.index), all);
    all.push(made);
    done = match.index + made.length;
    search.lastIndex = done;
  }
  rest(text.slice(done), all);
}

/** A link, if it is one that can be shown as what it is. */
function link(candidate: string): Part | null {
  if (!BEGINNING.test(candidate)) return { kind: 'link', text: candidate, href: `mailto:${candidate}` };
  const text = trimmed(unglued(hosted(candidate)));
  if (/^mailto:/i.test(text)) return mail(text);
  const isBare = /^www\./i.test(text);
  const url = parsed(isBare ? `https://${text}` : text);
  return url && isWeb(hostAndPort(text), isBare ? 3 : 1) ? { kind: 'link', text, href: url.href } : null;
}

/** What stands between `//` and the path, the query and the fragment. */
function hostAndPort(link: string): string {
  return link.replace(/^https?:\/\//i, '').replace(/[/?#].*$/s, '');
}

/** Up to the first character behind its host that no host has: a sign of any script, an emoji. Where something in it hides
    where the link leads, the whole is left, and is no link. */
function hosted(candidate: string): string {
  const host = hostAndPort(candidate);
  const at = /[@\\%]/.test(host) ? -1 : host.search(NO_HOST);
  return at <= 0 ? candidate : candidate.slice(0, candidate.indexOf(host) + at);
}

/** Without what is written on to a host in a script without spaces: no top level domain mixes it with Latin letters. */
function unglued(candidate: string): string {
  if (/^mailto:/i.test(candidate)) return candidate;
  const host = hostAndPort(candidate);
  const last = host.slice(host.lastIndexOf('.') + 1);
  const at = /^[A-Za-z0-9]/.test(last) ? last.search(GLUED) : -1;
  return at < 0 ? candidate : candidate.slice(0, candidate.indexOf(host) + host.length - last.length + at);
}

/** A host and nothing that hides it: `https://bank.example@evil.example` leads to the latter, and to browsers a backslash
    is a slash. Both stay text. */
function isWeb(authority: string, labels: number): boolean {
  const match = HOST.exec(authority);
  if (!match || Number(match[2] ?? 0) > 65_535) return false;
  if (match[1] === undefined) return true;
  const parts = match[1].replace(/\.$/, '').split('.');
  const isNumber = /^\d+$/.test(parts.at(-1) ?? '');
  return (
    parts.length >= labels &&
    (!isNumber || (parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))))
  );
}

/** Not by `URL.canParse`: browsers have it since 2023 only. */
function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** A mail address and nothing else: no copies to others, no body. */
function mail(text: string): Part | null {
  const url = parsed(text);
  return url && /^mailto:[^@?&,\s]+@[^@?&,\s]+\.[^@?&,\s]+$/i.test(text.replace(/#.*$/s, ''))
    ? { kind: 'link', text, href: url.href }
    : null;
}

const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Without the punctuation that ends the sentence and the bracket that was opened before the link. */
function trimmed(candidate: string): string {
  let text = candidate;
  for (;;) {
    const last = /.$/su.exec(text)?.[0] ?? '';
    const opening = CLOSING[last];
    const loose = opening !== undefined && count(text, opening) < count(text, last);
    if (!loose && !/[.,;:!?'*_~|]|(?![\0-\x7f])\p{P}/u.test(last)) return text;
    text = text.slice(0, -last.length);
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** Neighbouring texts are one. */
function merged(found: readonly Found[]): Found[] {
  const all: Found[] = [];
  for (const one of found) {
    const last = all.at(-1);
    if (one.part.kind === 'text' && last?.part.kind === 'text')
      all[all.length - 1] = whole({ kind: 'text', text: last.part.text + one.part.text });
    else all.push(one);
  }
  return all;
}
