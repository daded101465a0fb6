import { describe, expect, it } from 'vitest';
import { chosenIn, fieldOf, momentOf } from './times';

/** A local time. */
const at = (day: number, hour: number, minute = 0) => new Date(2025, 2, day, hour, minute);

describe('the moments that are offered', () => {
  it('are twenty minutes and an hour from now', () => {
    expect(momentOf('minutes', at(5, 23, 50))).toEqual(at(6, 0, 10));
    expect(momentOf('hour', at(5, 23, 50))).toEqual(at(6, 0, 50));
  });

  it('are nine in the morning of the next day, also just after midnight and at the end of a month', () => {
    expect(momentOf('tomorrow', at(5, 8))).toEqual(at(6, 9));
    expect(momentOf('tomorrow', at(5, 0, 1))).toEqual(at(6, 9));
    expect(momentOf('tomorrow', at(31, 12))).toEqual(new Date(2025, 3, 1, 9));
  });

  it('are nine in the morning of the next Monday, which is never today', () => {
    // The third of March 2025 is a Monday.
    expect(momentOf('monday', at(3, 7))).toEqual(at(10, 9));
    expect(momentOf('monday', at(4, 12))).toEqual(at(10, 9));
    expect(momentOf('monday', at(9, 23))).toEqual(at(10, 9));
  });
});

describe('a time of one’s own', () => {
  it('is read as it was written', () => {
    expect(fieldOf(at(5, 9, 5))).toBe('2025-03-05T09:05');
    expect(chosenIn(fieldOf(at(5, 9, 5)), at(5, 9))).toEqual(at(5, 9, 5));
  });

  it('is none if it has passed or is not there', () => {
    expect(chosenIn('2025-03-05T09:05', at(5, 9, 5))).toBeNull();
    expect(chosenIn('', at(5, 9))).toBeNull();
  });
});
