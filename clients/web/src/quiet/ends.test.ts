import { expect, test } from 'vitest';
import { ends } from './ends';

test('a mute until tomorrow ends in the morning, also at the end of a month and just after midnight', () => {
  const at = (now: Date) => new Date(ends.tomorrow(now));
  expect(at(new Date(2026, 0, 31, 23, 59))).toEqual(new Date(2026, 1, 1, 8));
  expect(at(new Date(2026, 0, 31, 0, 1))).toEqual(new Date(2026, 1, 1, 8));
  expect(ends.hour(new Date(0))).toBe('1970-01-01T01:00:00.000Z');
});
