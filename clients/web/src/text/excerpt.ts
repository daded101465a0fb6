import { plain } from '@palabre/sdk';

/** Code units of a text that are read for one line of it. */
const READ = 1000;

/** The beginning of a text where nothing can be drawn, without its markers. */
export function excerpt(text: string): string {
  return plain(text.length > READ ? text.slice(0, READ).replace(/[\ud800-\udbff]$/, '') : text);
}
