import { expect, test } from 'vitest';
import { clockOf } from './clock';

test('a time is minutes and seconds', () => {
  expect([0, 999, 61_000, 900_000, -5].map(clockOf)).toEqual(['0:00', '0:01', '1:01', '15:00', '0:00']);
});
