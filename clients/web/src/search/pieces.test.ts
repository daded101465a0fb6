import { expect, test } from 'vitest';
import { added, begun, pieces, put, without } from './pieces';

test('a search has words, phrases and operators', () => {
  const found = pieces('été "big world" -war from:ann in:"tool shed" https://x.y «a b');
  expect(found.map(({ text, operator }) => [text, operator])).toEqual([
    ['été', null],
    ['"big world"', null],
    ['-war', null],
    ['from:ann', 'from'],
    ['in:"tool shed"', 'in'],
    ['https://x.y', 'https'],
    ['«a b', null],
  ]);
  expect(pieces('  \n ')).toEqual([]);
  expect(pieces('- : "')).toHaveLength(3);
});

test('what is being typed is the piece before the caret', () => {
  expect(begun('été fr', 6)).toMatchObject({ text: 'fr', start: 4, operator: null });
  expect(begun('from:an rest', 7)).toMatchObject({ text: 'from:an', operator: 'from' });
  expect(begun('in:"tool sh', 11)).toMatchObject({ text: 'in:"tool sh', operator: 'in' });
  expect(begun('in:"tool shed"', 14).text).toBe('');
  expect(begun('été ', 4)).toMatchObject({ text: '', start: 4 });
  expect(begun('', 0).text).toBe('');
});

test('a suggestion takes the place of what was begun, and typing goes on behind it', () => {
  expect(put('été fr rest', begun('été fr rest', 6), 'from:')).toEqual(['été from:rest', 9]);
  expect(put('from:an', begun('from:an', 7), 'from:ann')).toEqual(['from:ann ', 9]);
});

test('filters are written and taken off', () => {
  expect(added('été ', 'has:link')).toBe('été has:link ');
  expect(added('', 'from:')).toBe('from:');
  const q = 'été from:ann in:"tool shed" x';
  const [, from, place] = pieces(q);
  expect(without(q, from!)).toBe('été in:"tool shed" x');
  expect(without(q, place!)).toBe('été from:ann x');
  expect(without('from:ann', pieces('from:ann')[0]!)).toBe('');
});
