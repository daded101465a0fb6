import { apart, characterAt, ENDING, SPACED, UNSPACED, WORD } from './characters.js';

/** Where a link leads: as it was written, with the scheme that may be missing, and as browsers write it. */
export interface Target {
  readonly address: string;
  readonly href: string;
}

/** The beginning of a link, or a mail address. */
const LINK = new RegExp(
  `${apart('')}(https?://|mailto:|www\\.)(?=[^${ENDING}])` +
    `|${apart('@./+%-')}[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*` +
    `@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,}(?![.-]*(?:@|${SPACED}))`,
  'giu',
);
const BEGINNING = new RegExp(`^(?:https?://|mailto:|www\\.)(?=[^${ENDING}])`, 'iu');
const ENDS = new RegExp(`[${ENDING}]`, 'gu');
/** A link up to the end of its host, of which no more is looked at than this. */
const WITH_HOST = new RegExp(`(?:https?://)?[^/?#${ENDING}]{0,300}`, 'iuy');
const GLUED = new RegExp(`[${UNSPACED}]`, 'u');
/** A host in its labels, or an IPv6 address; and a port. */
const HOST = new RegExp(`^(?:\\[[0-9a-f:.]+\\]|([${WORD}-]+(?:\\.[${WORD}-]+)*\\.?))(?::(\\d{0,5}))?$`, 'iu');
/** Characters that stand in no host, nor between one and its port. */
const NO_HOST = new RegExp(`[^${WORD}.:[\\]-]`, 'u');

/** The next link of a stretch, with where it leads; null, if it only looks like a link. */
export function nextLink(
  stretch: string,
  from: number,
): { start: number; end: number; target: Target | null } | null {
  LINK.lastIndex = from;
  const match = LINK.exec(stretch);
  if (!match) return null;
  const start = match.index;
  if (match[1] !== undefined) return { start, ...linkAt(stretch, start) };
  const address = `mailto:${match[0]}`;
  return { start, end: start + match[0].length, target: { address, href: address } };
}

/** Where a text leads that is wholly a link with its scheme or `www.`. */
export function wholeLink(text: string): Target | null {
  if (!BEGINNING.test(text)) return null;
  const { end, target } = linkAt(text, 0);
  return end === text.length ? target : null;
}

function linkAt(stretch: string, start: number): { end: number; target: Target | null } {
  // A link that ends in its host is found without a look at all that follows: there may be a link every few letters.
  if (!/^m/i.test(stretch[start] ?? '')) {
    WITH_HOST.lastIndex = start;
    const host = WITH_HOST.exec(stretch)?.[0] ?? '';
    const text = trimmed(unglued(hosted(host)));
    const target = text.length < trimmed(host).length ? targetOf(text) : null;
    if (target) return { end: start + text.length, target };
  }
  ENDS.lastIndex = start;
  const candidate = stretch.slice(start, ENDS.exec(stretch)?.index);
  const text = trimmed(unglued(hosted(candidate)));
  const target = targetOf(text);
  return { end: start + (target ? text : candidate).length, target };
}

/** Where a link leads, if it can be shown as what it is. */
function targetOf(text: string): Target | null {
  if (/^mailto:/i.test(text)) return mail(text);
  const isBare = /^www\./i.test(text);
  const address = isBare ? `https://${text}` : text;
  const url = parsed(address);
  return url && isWeb(hostAndPort(text), isBare ? 3 : 1) ? { address, href: url.href } : null;
}

/** The authority: between `//` and the path, the query and the fragment. */
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
function mail(text: string): Target | null {
  const url = parsed(text);
  return url && /^mailto:[^@?&,\s]+@[^@?&,\s]+\.[^@?&,\s]+$/i.test(text.replace(/#.*$/s, ''))
    ? { address: text, href: url.href }
    : null;
}

const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Without the punctuation that ends the sentence and the bracket that was opened before the link. */
function trimmed(candidate: string): string {
  const depth: Record<string, number> = {};
  for (const [bracket] of candidate.matchAll(/[()[\]{}]/g)) depth[bracket] = (depth[bracket] ?? 0) + 1;
  let end = candidate.length;
  while (end > 0) {
    const low = /[\udc00-\udfff]/.test(candidate[end - 1] ?? '') ? 2 : 1;
    const last = characterAt(candidate, end - low);
    const opening = CLOSING[last];
    const loose = opening !== undefined && (depth[opening] ?? 0) < (depth[last] ?? 0);
    if (!loose && !/[.,;:!?'*_~|]|(?![\0-\x7f])\p{P}/u.test(last)) break;
    if (depth[last]) depth[last] -= 1;
    end -= last.length;
  }
  return candidate.slice(0, end);
}
