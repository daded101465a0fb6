import { number, speak } from '../i18n.svelte';

const t = speak({
  en: {
    most: (most: string, length: string) => `At most ${most} characters, please: it has ${length}.`,
    visible: 'At least one visible character, please.',
  },
  fr: {
    most: (most: string, length: string) =>
      `Au plus ${most} caractères, s’il vous plaît : il y en a ${length}.`,
    visible: 'Au moins un caractère visible, s’il vous plaît.',
  },
});

/** The server's details in the reader's language, where they are about a text that somebody wrote; the others as they are. */
export function detailFor(detail: string): string {
  const [, most, length] = /^\w+ must have at most (\d+) characters; it has (\d+)\.$/.exec(detail) ?? [];
  if (most !== undefined) return t().most(number(Number(most)), number(Number(length)));
  return /^\w+ must have at least one visible character\.$/.test(detail) ? t().visible : detail;
}
