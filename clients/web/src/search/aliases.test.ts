import { expect, test } from 'vitest';
import { inEnglish, inLanguage, inProtocol } from './aliases';

test('french operators are those of the protocol', () => {
  expect(inEnglish('chat de:ann dans:jardin après:2026-01-31 a:lien est:modifié genre:salon')).toBe(
    'chat from:ann in:jardin after:2026-01-31 has:link is:edited type:room',
  );
  expect(inEnglish('de:moi "de:ann" dans:"mon salon" «a:lien»')).toBe(
    'from:me "de:ann" in:"mon salon" «a:lien»',
  );
});

test('words and english operators stay as they are', () => {
  for (const q of [
    'from:moineau',
    'https://a:lien',
    'in:lien x:y',
    'has:link is:edited',
    'has:file has:image',
    'le de a',
  ]) {
    expect(inEnglish(q)).toBe(q);
  }
});

test('an operator is written in the language of the page, and read as it was meant', () => {
  const texts = [
    'from:me',
    'from:ann',
    'in:jardin',
    'after:',
    'has:link',
    'type:direct',
    'is:edited',
    'chat',
  ];
  for (const text of texts) {
    expect(inLanguage(text, 'en')).toBe(text);
    expect(inProtocol(inLanguage(text, 'fr'), 'fr')).toBe(text);
  }
  expect(inLanguage('has:link', 'fr')).toBe('a:lien');
  expect(inLanguage('from:moi', 'fr')).toBe('de:moi');
  expect(inProtocol('de:ann', 'en')).toBe('de:ann');
});
