// The parts of a message's text. Put together, their texts are the whole text, but for the backticks around code.
// Nothing of it is ever HTML.

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  | { readonly kind: 'mention'; readonly text: string; readonly username: string }
  /** Text between backticks; between three of them it is a block, with its lines. */
  | { readonly kind: 'code'; readonly text: string; readonly block: boolean };

/** Code first: in it nothing else is looked for. */
const CODE = /```(?:[\w+-]*\n)?([\s\S]+?)```|`([^`\n]+)`/g;
/** A link or a mention, at the beginning of a word: `mail@ann` mentions nobody. */
const LINK = /(?<![\p{L}\p{N}_])(?:https?:\/\/|mailto:)[^\s<>"`\p{Cc}\p{Cf}]+/giu;
const MENTION = /(?<![\p{L}\p{M}\p{N}_@./+-])@([\p{L}\p{N}][\p{L}\p{N}_.-]*)/gu;

/** Splits a text into plain text, links, mentions and code. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  split(text, CODE, found, plain, (match) => {
    const part: Part = { kind: 'code', text: match[1] ?? match[2] ?? '', block: match[1] !== undefined };
    return { part, length: match[0].length };
  });
  return merged(found);
}

/** Whether a text calls somebody by `@username`, in any case; what stands in code or in a link calls nobody. */
export function mentions(text: string | null, username: string): boolean {
  if (!text?.includes('@')) return false;
  const wanted = username.toLowerCase();
  return parts(text).some((part) => part.kind === 'mention' && part.username.toLowerCase() === wanted);
}

function plain(text: string, found: Part[]): void {
  split(text, LINK, found, mentioning, (match) => {
    // Text that looks like a link and may be none is left as it is, mentions and all.
    return whole(link(match[0]) ?? { kind: 'text', text: match[0] });
  });
}

function mentioning(text: string, found: Part[]): void {
  split(text, MENTION, found, literal, (match) => {
    const username = (match[1] ?? '').replace(/[.-]+$/, '');
    return whole({ kind: 'mention', text: `@${username}`, username });
  });
}

function literal(text: string, found: Part[]): void {
  if (text !== '') found.push({ kind: 'text', text });
}

/** A part, and how much of the text it takes. */
interface Found {
  readonly part: Part;
  readonly length: number;
}

function whole(part: Part): Found {
  return { part, length: part.text.length };
}

/** Finds a pattern's matches; what lies between them goes on to `rest`. A match may turn out shorter. */
function split(
  text: string,
  pattern: RegExp,
  found: Part[],
  rest: (text: string, found: Part[]) => void,
  make: (match: RegExpExecArray) => Found,
): void {
  let done = 0;
  const search = new RegExp(pattern);
  for (let match = search.exec(text); match; match = search.exec(text)) {
    const made = make(match);
    rest(text.slice(done, match.index), found);
    found.push(made.part);
    done = match.index + made.length;
    search.lastIndex = done;
  }
  rest(text.slice(done), found);
}

/** A link, if it is one that can be shown as what it is. */
function link(candidate: string): Part | null {
  const text = trimmed(candidate);
  const url = parsed(text);
  if (!url) return null;
  if (url.protocol === 'mailto:') return mail(text, url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  // `https://bank.example@evil.example` leads to the latter: it stays text. So does a backslash, which is a slash to browsers.
  if (url.username !== '' || url.password !== '' || /[@\\]/.test(text.slice(0, authorityEnd(text))))
    return null;
  return { kind: 'link', text, href: url.href };
}

/** Not by `URL.canParse`: browsers have it since 2023 only. */
function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function authorityEnd(text: string): number {
  const begin = text.indexOf('//') + 2;
  const end = text.slice(begin).search(/[/?#]/);
  return end < 0 ? text.length : begin + end;
}

/** A mail address and nothing else: no copies to others, no body. */
function mail(text: string, url: URL): Part | null {
  return /^[^@?&,\s]+@[^@?&,\s]+\.[^@?&,\s]+$/.test(url.pathname) && url.search === ''
    ? { kind: 'link', text, href: url.href }
    : null;
}

const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Without the punctuation that ends the sentence and the bracket that was opened before the link. */
function trimmed(candidate: string): string {
  let text = candidate;
  for (;;) {
    const last = text.at(-1) ?? '';
    const opening = CLOSING[last];
    const loose = opening !== undefined && count(text, opening) < count(text, last);
    if (!loose && !/[.,;:!?'*_~|»”’…]/u.test(last)) return text;
    text = text.slice(0, -1);
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** Neighbouring texts are one. */
function merged(found: readonly Part[]): Part[] {
  const all: Part[] = [];
  for (const part of found) {
    const last = all.at(-1);
    if (part.kind === 'text' && last?.kind === 'text')
      all[all.length - 1] = { ...last, text: last.text + part.text };
    else all.push(part);
  }
  return all;
}
