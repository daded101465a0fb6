import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('./kept', () => ({ keep: () => undefined, kept: () => null }));
const { isolated, isolates } = await import('./i18n.svelte');

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
