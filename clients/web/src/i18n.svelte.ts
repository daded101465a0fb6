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
    const language = tag.slice(0, 2).toLowerCase();
    if (language in LANGUAGES) return language as Language;
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
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
}

/** Changes the language of everything that is on the screen, and remembers it on this device. */
export function speakLanguage(next: Language): void {
  language = next;
  keep(STORED, next);
  document.documentElement.lang = next;
}

/** The words of one part of the screen, side by side in both languages; `t()` gives those in use. */
export function speak<W extends Words>(words: { en: W; fr: Same<W> }): () => Same<W> {
  return () => words[language] as Same<W>;
}

/** One of two forms by number, as both languages choose it: French has its singular for 0 too. */
export function plural(count: number, one: string, many: string): string {
  const form = new Intl.PluralRules(language).select(count);
  return (form === 'one' ? one : many).replace('#', count.toLocaleString(locale()));
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
  return new Date(time).toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit' });
}

/** `Monday, 3 March 2025`; the year only if it is another one. */
export function day(time: string | Date): string {
  const date = new Date(time);
  const from = new Date();
  from.setHours(0, 0, 0, 0);
  const daysAgo = Math.round((from.getTime() - new Date(date).setHours(0, 0, 0, 0)) / DAY);
  if (daysAgo === 0 || daysAgo === 1) {
    const word = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-daysAgo, 'day');
    return word.charAt(0).toLocaleUpperCase(locale()) + word.slice(1);
  }
  const year = date.getFullYear() === from.getFullYear() ? {} : ({ year: 'numeric' } as const);
  const text = date.toLocaleDateString(locale(), { weekday: 'long', day: 'numeric', month: 'long', ...year });
  return text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);
}

/** As short as a list has room for: the time today, the weekday this week, else the date. */
export function brief(time: string | Date): string {
  const date = new Date(time);
  const age = Date.now() - date.getTime();
  if (date.toDateString() === new Date().toDateString()) return clock(date);
  if (age < 6 * DAY) return date.toLocaleDateString(locale(), { weekday: 'short' });
  return date.toLocaleDateString(locale(), { day: 'numeric', month: 'short' });
}

/** Date and time in full, for titles. */
export function moment(time: string | Date): string {
  return new Date(time).toLocaleString(locale(), { dateStyle: 'full', timeStyle: 'short' });
}

/** `3 minutes ago`. */
export function ago(time: string | Date): string {
  const seconds = (new Date(time).getTime() - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return format.format(Math.round(seconds / 60), 'minute');
}

/** A number as people write it. */
export function number(value: number): string {
  return value.toLocaleString(locale());
}
