import { expect, it, vi } from 'vitest';

// Both languages at once, where the page has the one in use.
vi.mock('../i18n.svelte', () => ({
  speak: (words: unknown) => () => words,
  plural: (_count: number, one: string) => one,
}));

type Words = Record<string, string | ((...values: string[]) => string)>;

const texts = (words: Words) =>
  Object.entries(words).map(
    ([key, word]) => [key, typeof word === 'string' ? word : word('Zoé', 'x', 'y')] as const,
  );

const FILES = ['./words', '../settings/words', '../admin/words', '../reminders/words'];

it.each([...FILES, '../saved/words', '../saved/savingWords'])(
  '%s are typographically right',
  async (path) => {
    const { t } = (await import(path)) as { t: () => { en: Words; fr: Words } };
    const { en, fr } = t();
    const wrong = [
      ...texts(fr).filter(([, text]) => /[^\u202f][?!;»]|[^\u202f\d]:|«[^\u202f]|['"]|\.\.\./.test(text)),
      ...texts(en).filter(([, text]) => /['"]|\.\.\.|\s[?!:;]/.test(text)),
    ];
    expect(wrong).toEqual([]);
  },
);
