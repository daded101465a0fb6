import { expect, test } from 'vitest';
import { mentions } from './mentions';

test('a person is called by their whole name, in any case', () => {
  expect(mentions('hello @Ann, are you there?', 'ann')).toBe(true);
  expect(mentions('@anna and @bob', 'ann')).toBe(false);
  expect(mentions('ann without a sign', 'ann')).toBe(false);
  expect(mentions(null, 'ann')).toBe(false);
});
