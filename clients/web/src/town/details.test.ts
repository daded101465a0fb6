import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en-GB', 'fr-FR'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('../kept', () => ({ keep: () => undefined, kept: () => null }));
const { speakLanguage } = await import('../i18n.svelte');
const { detailFor } = await import('./details');

test('what is wrong with a text is said in the language of the page, and other details as they are', () => {
  const long = 'text must have at most 2000 characters; it has 2819.';
  expect(detailFor(long)).toBe('At most 2,000 characters, please: it has 2,819.');
  speakLanguage('fr');
  expect(detailFor(long)).toMatch(/^Au plus 2\s000 caractères, s’il vous plaît\s: il y en a 2\s819\.$/u);
  expect(detailFor('name must have at least one visible character.')).toBe(
    'Au moins un caractère visible, s’il vous plaît.',
  );
  expect(detailFor('It may have at most 8 members.')).toBe('It may have at most 8 members.');
  speakLanguage('en');
});
