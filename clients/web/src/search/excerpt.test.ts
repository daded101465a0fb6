import { expect, test } from 'vitest';
import { excerpt } from './excerpt';

const marked = (text: string, highlights: number[][]) =>
  excerpt(text, highlights)
    .map((part) => (part.found ? `[${part.text}]` : part.text))
    .join('');

test('what was found is marked, by scalar values', () => {
  expect(
    marked('un café 🎉 café', [
      [3, 7],
      [10, 14],
    ]),
  ).toBe('un [café] 🎉 [café]');
  expect(marked('one\n  two', [[6, 9]])).toBe('one [two]');
  expect(marked('plain', [])).toBe('plain');
  expect(marked('a **café** `x`', [[4, 8]])).toBe('a [café] x');
});

test('a long text is cut around what was found', () => {
  const shown = marked(`${'a '.repeat(100)}apple ${'b '.repeat(300)}`, [[200, 205]]);
  expect(shown.startsWith('…')).toBe(true);
  expect(shown).toContain('[apple]');
  expect(shown.endsWith('…')).toBe(true);
  expect(Array.from(shown).length).toBeLessThan(210);
});
