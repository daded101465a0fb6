import { expect, test } from 'vitest';
import { mentionAt } from './mention';

test('a name is being typed after an @ at a beginning of a word, up to the caret', () => {
  expect(mentionAt('hi @an', 6)).toEqual({ from: 3, typed: 'an' });
  expect(mentionAt('@', 1)).toEqual({ from: 0, typed: '' });
  expect(mentionAt('hi @ann there', 7)).toEqual({ from: 3, typed: 'ann' });
  expect(mentionAt('hi @ann there', 13)).toBeNull();
  expect(mentionAt('me@example', 10)).toBeNull();
});

test('in scripts without spaces a name may be typed anywhere, and in any script', () => {
  expect(mentionAt('你好@an', 5)).toEqual({ from: 2, typed: 'an' });
  expect(mentionAt('（＠an', 4)).toEqual({ from: 1, typed: 'an' });
  expect(mentionAt('hi @Zoë', 7)).toEqual({ from: 3, typed: 'Zoë' });
  expect(mentionAt('hi @张', 5)).toEqual({ from: 3, typed: '张' });
  expect(mentionAt('@@an', 4)).toBeNull();
});
