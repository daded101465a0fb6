import { describe, expect, it } from 'vitest';
import { bytes, ceilingOf, linesOf, rates, SPAN_MS, withSample, type Sample } from './series';

const sample = (at: number, messages_sent: number): Sample => ({
  at,
  messages_sent,
  connections: 1,
  storage_bytes: 1,
});

describe('rates', () => {
  it('are differences by time', () => {
    expect(rates([sample(0, 10), sample(2_000, 14), sample(4_500, 14)])).toEqual([
      { at: 2_000, value: 2 },
      { at: 4_500, value: 0 },
    ]);
  });
  it('are nothing for one reading', () => expect(rates([sample(0, 10)])).toEqual([]));
  it('say nothing over a restart, and go on after it', () => {
    expect(rates([sample(0, 100), sample(2_000, 3), sample(4_000, 5)])).toEqual([{ at: 4_000, value: 1 }]);
  });
  it('do not divide by nothing', () => expect(rates([sample(5, 1), sample(5, 9)])).toEqual([]));
});

describe('readings', () => {
  it('are kept for five minutes and one more', () => {
    let kept: readonly Sample[] = [];
    for (let at = 0; at <= 2 * SPAN_MS; at += 2_000) kept = withSample(kept, sample(at, at));
    expect(kept.at(-1)?.at).toBe(2 * SPAN_MS);
    expect(kept[0]?.at).toBe(SPAN_MS);
    expect(kept).toHaveLength(SPAN_MS / 2_000 + 1);
  });
  it('that are too old are gone at once', () =>
    expect(withSample([sample(0, 1), sample(1, 2)], sample(10 * SPAN_MS, 3))).toEqual([
      sample(10 * SPAN_MS, 3),
    ]));
});

describe('a chart', () => {
  it.each([
    [[], 5, 5],
    [[4.2], 1, 5],
    [[5.1], 1, 10],
    [[0.3], 0.1, 0.5],
    [[1_600_000], 1_000_000, 2_000_000],
    [[999], 1, 1000],
  ])('of %j and at least %d ends at %d', (values, least, top) => {
    const points = values.map((value, at) => ({ at, value }));
    expect(ceilingOf(points, least)).toBeCloseTo(top);
  });
  it('puts the last value at the right, and 0 at the bottom', () => {
    const points = [
      { at: SPAN_MS, value: 0 },
      { at: SPAN_MS + 1_000, value: 10 },
    ];
    expect(linesOf(points, 10, 300, 80)).toBe('M299 80L300 0');
  });
  it('breaks its line where nobody looked', () => {
    const points = [0, 2_000, 60_000, 62_000].map((at) => ({ at, value: 1 }));
    expect(linesOf(points, 1, 300, 80).match(/M/g)).toHaveLength(2);
  });
  it('leaves out what is older than it shows', () => {
    const points = [0, SPAN_MS + 1].map((at) => ({ at, value: 1 }));
    expect(linesOf(points, 1, 300, 80)).toBe('M300 0');
  });
  it('of nothing is empty', () => expect(linesOf([], 1, 300, 80)).toBe(''));
});

it.each([
  [0, '0 byte'],
  [999, '999 byte'],
  [1_600_000, '1.6 MB'],
  [2_500_000_000_000_000, '2,500 TB'],
])('%d bytes are %s', (value, text) => expect(bytes(value, 'en')).toBe(text));
