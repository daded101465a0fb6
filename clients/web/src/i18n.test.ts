import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('./kept', () => ({ keep: () => undefined, kept: () => null }));
const { dated, dateOf, day, isolated, isolates, speakLanguage } = await import('./i18n.svelte');

test('a sentence is taken apart into what stands by itself and what does not', () => {
  expect(isolates(`${isolated('Ann')}: ${isolated('hi')}`)).toEqual([
    { text: 'Ann', isolated: true },
    { text: ': ', isolated: false },
    { text: 'hi', isolated: true },
  ]);
  expect(isolates('nobody')).toEqual([{ text: 'nobody', isolated: false }]);
  const turned = 'a\u2069b\u2068c';
  expect(isolates(isolated(turned))).toEqual([{ text: turned, isolated: true }]);
});

test('the first of a month has its own name in French, and no other day', () => {
  const [first, eleventh] = [new Date(2020, 4, 1, 1, 1), new Date(2020, 4, 11, 1, 1)];
  expect(dateOf(first)).toMatch(/\b1\b/);
  speakLanguage('fr');
  expect([dateOf(first), dateOf(eleventh)]).toEqual(['1er mai 2020', '11 mai 2020']);
  expect(day(first)).toBe('Vendredi 1er mai 2020');
  expect(dated(first)).toMatch(/^1er mai 2020[, à]+01:01$/);
  speakLanguage('en');
});
