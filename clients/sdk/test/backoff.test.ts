import { expect, test } from 'vitest';
import { Backoff } from '../src/backoff.js';
import { chance } from './help/people.js';

test('waits are spread evenly below a ceiling that doubles up to the most', () => {
  const random = chance(7);
  const sums = Array.from({ length: 10 }, () => 0);
  const rounds = 2000;
  for (let round = 0; round < rounds; round += 1) {
    const backoff = new Backoff({ base: 100, most: 6400, random });
    for (const at of sums.keys()) {
      const wait = backoff.next();
      const ceiling = Math.min(6400, 100 * 2 ** at);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(ceiling);
      sums[at] = (sums[at] ?? 0) + wait / ceiling;
    }
  }
  for (const sum of sums) expect(sum / rounds).toBeCloseTo(0.5, 1);
});

test('what the server asks for is kept, and spread too', () => {
  const backoff = new Backoff({ base: 100, random: () => 0.5 });
  expect(backoff.next(5000)).toBe(5050);
  expect(new Backoff({ random: () => 0 }).next(700)).toBe(700);
});

test('after a success waits are short again', () => {
  const backoff = new Backoff({ base: 100, most: 10_000, random: () => 1 });
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 200, 400]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

test('a thousand tries do not overflow', () => {
  const backoff = new Backoff({ base: 100, most: 30_000, random: () => 1 });
  for (let tries = 0; tries < 1000; tries += 1) backoff.next();
  expect(backoff.next()).toBe(30_000);
});
