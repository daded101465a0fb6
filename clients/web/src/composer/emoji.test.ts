import { expect, test } from 'vitest';
import { folded, ranked, type Emoji } from './emoji';

const ALL: Emoji[] = [
  ['🤣', 'rolling on the floor laughing', 'tears team'],
  ['🫖', 'teapot', 'drink pot tea'],
  ['🍵', 'teacup without handle', 'beverage cup drink tea'],
  ['☕', 'hot beverage', 'coffee tea'],
  ['🧉', 'mate', 'drink'],
  ['🍋', 'citron', 'agrume'],
];

test('what is called so comes before what is only tagged with it', () => {
  expect(ranked(ALL, 'tea').map(([emoji]) => emoji)).toEqual(['🫖', '🍵', '🤣', '☕']);
  expect(ranked(ALL, 'mate').map(([emoji]) => emoji)).toEqual(['🧉']);
  expect(ranked(ALL, 'nothing')).toEqual([]);
});

test('accents and case do not matter', () => {
  expect(folded('Éléphant')).toBe('elephant');
});
