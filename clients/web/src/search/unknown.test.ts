import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en-GB', 'fr-FR'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('../kept', () => ({ keep: () => undefined, kept: () => null }));
const { speakLanguage } = await import('../i18n.svelte');
const { unknownValue } = await import('./unknown');

test('a value that nobody knows is named, with those that there are, in the language of the page', () => {
  expect(unknownValue('lime from:ann has:link after:2026-01-31 type:Room', 'en')).toBeNull();
  expect(unknownValue('lime has:linki', 'en')).toBe(
    '“has:linki” is not known. has: may be link, file, image or reaction.',
  );
  expect(unknownValue('on:monday', 'en')).toBe('“on:monday” is not known. on: may be a day, as 2026-01-31.');
  expect(unknownValue('"has:linki"', 'en')).toBeNull();
  speakLanguage('fr');
  expect(unknownValue('a:lien a:liens', 'fr')).toBe(
    '« a:liens » n’est pas connu. Après a: on peut écrire lien, fichier, image ou réaction.',
  );
  expect(unknownValue('genre:salons', 'fr')).toBe(
    '« genre:salons » n’est pas connu. Après genre: on peut écrire salon, groupe ou direct.',
  );
  speakLanguage('en');
});
