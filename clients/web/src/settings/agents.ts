/** Browsers by the word that only they have: those that pretend to be others come first. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const named = (text: string, table: readonly [RegExp, string][]) =>
  table.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** A session's agent in words: a browser and a system, or the program's own name, as of `curl/8.5`. */
export function agentOf(agent: string | null): { browser: string | null; system: string | null } {
  if (agent === null) return { browser: null, system: null };
  const browser = named(agent, BROWSERS);
  const program = /^([^\s/(]{1,40})/.exec(agent)?.[1] ?? null;
  return { browser: browser ?? (program === 'Mozilla' ? null : program), system: named(agent, SYSTEMS) };
}

/** Whether it is something that is held in the hand. */
export const isPhone = (system: string | null) =>
  system === 'iPhone' || system === 'Android' || system === 'iPad';
