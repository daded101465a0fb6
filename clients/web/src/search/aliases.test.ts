import { expect, test } from 'vitest';
import { inEnglish } from './aliases';

test('french operators are those of the protocol', () => {
  expect(inEnglish('chat de:ann dans:jardin après:2026-01-31 a:lien est:modifié genre:salon')).toBe(
    'chat from:ann in:jardin after:2026-01-31 has:link is:edited type:room',
  );
  expect(inEnglish('de:moi "de:ann" dans:"mon salon" «a:lien»')).toBe(
    'from:me "de:ann" in:"mon salon" «a:lien»',
  );
});

test('words and english operators stay as they are', () => {
  for (const q of ['from:moineau', 'https://a:lien', 'in:lien x:y', 'has:link is:edited', 'le de a']) {
    expect(inEnglish(q)).toBe(q);
  }
});
