import { bytes as bytesIn } from './bytes';
import { keep, kept } from './kept';

/** The languages that the client speaks. */
export const LANGUAGES = { en: 'English', fr: 'Français' } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = 'language';

/** The words of one part of the screen: a function where there is something to put in. */
type Words = Record<string, string | ((...values: never[]) => string)>;
type Same<W> = {
  [K in keyof W]: W[K] extends (...values: infer V) => string ? (...values: V) => string : string;
};

function chosen(): Language {
  const wanted = [kept(STORED) ?? '', ...navigator.languages];
  for (const tag of wanted) {
    const language = languageOf(tag);
    if (language) return language;
  }
  return 'en';
}

const first = chosen();
let language = $state<Language>(first);
document.documentElement.lang = first;

/** The language in use. */
export function currentLanguage(): Language {
  return language;
}

/** The language with the reader's own region, as far as the browser knows one: it decides how times are written. */
export function locale(): string {
  return made(`locale ${language}`, () => {
    const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language));
    return own ?? language;
  });
}

/** What is costly to make and always the same: a formatter takes longer to make than a hundred texts to write with it. */
const kinds = new Map<string, unknown>();
globalThis.addEventListener?.('languagechange', () => kinds.clear());

function made<T>(name: string, make: () => T): T {
  if (!kinds.has(name)) kinds.set(name, make());
  return kinds.get(name) as T;
}

/** The one way to write dates of this kind. */
function dates(kind: string, options: Intl.DateTimeFormatOptions): (date: Date) => string {
  return made(`${kind} ${language}`, () => {
    const form = new Intl.DateTimeFormat(locale(), options);
    if (language !== 'fr') return (date: Date) => form.format(date);
    // The first day of a month has a name of its own in French, which browsers do not write.
    const first = (part: Intl.DateTimeFormatPart) =>
      part.type === 'day' && part.value === '1' ? '1er' : part.value;
    return (date: Date) => form.formatToParts(date).map(first).join('');
  });
}

const numbers = () => made(`numbers ${language}`, () => new Intl.NumberFormat(locale()));
const relative = () =>
  made(`relative ${language}`, () => new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }));
const plurals = () => made(`plurals ${language}`, () => new Intl.PluralRules(language));

const startOfDay = (date: Date) => new Date(date).setHours(0, 0, 0, 0);

/** When today began: what says "Today" says something else after midnight. */
let today = $state(startOfDay(new Date()));

/** Looks at the calendar at midnight, and whenever somebody comes back: a computer that sleeps misses midnight. */
function watchMidnight(): void {
  const look = () => {
    const now = startOfDay(new Date());
    if (now !== today) today = now;
  };
  const wait = () => {
    const next = new Date().setHours(24, 0, 0, 500) - Date.now();
    setTimeout(() => (look(), wait()), next);
  };
  wait();
  globalThis.document?.addEventListener('visibilitychange', look);
  globalThis.addEventListener('focus', look);
}
// Tests of single functions have no page, and no midnight.
if (globalThis.document?.addEventListener !== undefined && 'hidden' in document) watchMidnight();

/** Changes the language of everything that is on the screen, and remembers it on this device. */
export function speakLanguage(next: Language): void {
  language = next;
  keep(STORED, next);
  document.documentElement.lang = next;
}

/** Speaks the preferred language of whoever is here, if it is one of ours, unless another one was chosen on this device. */
export function preferLanguage(tag: string | null | undefined): void {
  const preferred = languageOf(tag);
  if (!preferred || preferred === language || kept(STORED) !== null) return;
  language = preferred;
  document.documentElement.lang = preferred;
}

/** The language of a tag such as `fr-CA`, if it is one that the client speaks. */
export function languageOf(tag: string | null | undefined): Language | null {
  const name = tag?.split('-')[0]?.toLowerCase() ?? '';
  return name in LANGUAGES ? (name as Language) : null;
}

/** The words of one part of the screen, side by side in both languages; `t()` gives those in use. */
export function speak<W extends Words>(words: { en: W; fr: Same<W> }): () => Same<W> {
  return () => words[language] as Same<W>;
}

/** One of two forms by number, as both languages choose it: French has its singular for 0 too. */
export function plural(count: number, one: string, many: string): string {
  const form = plurals().select(count);
  return (form === 'one' ? one : many).replace('#', number(count));
}

/** No text and no name may hold this character, so it can stand around them. */
const EDGE = '\0';

/** A name or a text for a sentence of perhaps another direction: neither reorders the other. Such a sentence is shown by
    `ui/Sentence.svelte`, and by nothing else. */
export function isolated(text: string): string {
  return EDGE + text + EDGE;
}

/** A sentence in its pieces, of which those that are isolated say so. */
export function isolates(sentence: string): { text: string; isolated: boolean }[] {
  return sentence
    .split(EDGE)
    .map((text, at) => ({ text, isolated: at % 2 === 1 }))
    .filter(({ text }) => text !== '');
}

const DAY = 86_400_000;

/** `14:05`. */
export function clock(time: string | Date): string {
  return dates('clock', { hour: '2-digit', minute: '2-digit' })(new Date(time));
}

const capital = (text: string) => text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);

/** `Monday, 3 March 2025`; the year only if it is another one. */
export function day(time: string | Date): string {
  const date = new Date(time);
  const daysAgo = Math.round((today - startOfDay(date)) / DAY);
  if (daysAgo === 0 || daysAgo === 1) return capital(relative().format(-daysAgo, 'day'));
  const parts = { weekday: 'long', day: 'numeric', month: 'long' } as const;
  if (date.getFullYear() === new Date(today).getFullYear()) return capital(dates('day', parts)(date));
  return capital(dates('day of a year', { ...parts, year: 'numeric' })(date));
}

/** As short as a list has room for: the time today, the weekday this week, else the date. */
export function brief(time: string | Date): string {
  const date = new Date(time);
  const from = startOfDay(date);
  if (from === today) return clock(date);
  if (from > today - 6 * DAY) return dates('weekday', { weekday: 'short' })(date);
  return dates('date', { day: 'numeric', month: 'short' })(date);
}

/** Date and time on one line, for lists. */
export function dated(time: string | Date): string {
  return dates('dated', { dateStyle: 'medium', timeStyle: 'short' })(new Date(time));
}

/** The day without a time. */
export function dateOf(time: string | Date): string {
  return dates('day alone', { dateStyle: 'medium' })(new Date(time));
}

/** Date and time in full, for titles. */
export function moment(time: string | Date): string {
  return dates('moment', { dateStyle: 'full', timeStyle: 'short' })(new Date(time));
}

/** `3 minutes ago`. */
export function ago(time: string | Date): string {
  const seconds = (new Date(time).getTime() - Date.now()) / 1000;
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    if (Math.abs(seconds) >= size) return relative().format(Math.round(seconds / size), unit);
  }
  return relative().format(Math.round(seconds / 60), 'minute');
}

/** A number as people write it. */
export function number(value: number): string {
  return numbers().format(value);
}

/** A number of bytes as people write it. */
export function bytes(value: number): string {
  return bytesIn(value, locale());
}
