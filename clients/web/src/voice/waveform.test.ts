import { expect, test } from 'vitest';
import { BARS, HIGHEST, levelOf, pathOf, waveformOf } from './waveform';

test('a waveform has at most a hundred bars, the loudest is the highest, and silence is low', () => {
  expect(waveformOf([])).toEqual([0]);
  expect(waveformOf([0, 0.25, 0.5])).toEqual([0, 16, HIGHEST]);
  expect(waveformOf([0, 0])).toEqual([0, 0]);
  const long = waveformOf(Array.from({ length: 9_001 }, (_, at) => (at === 9_000 ? 1 : 0.5)));
  expect(long.length).toBe(BARS);
  expect(long.at(-1)).toBe(HIGHEST);
  expect(Math.max(...long)).toBe(HIGHEST);
  // What one person whispers is seen as well.
  expect(waveformOf([0.05, 0.1])).toEqual([16, HIGHEST]);
});

test('silence has no level, and what is full has the highest', () => {
  expect(levelOf(new Uint8Array([128, 128]))).toBe(0);
  expect(levelOf(new Uint8Array([0, 255]))).toBe(1);
  expect(levelOf(new Uint8Array([]))).toBe(0);
});

test('bars are drawn in the middle', () => {
  expect(pathOf([0, HIGHEST], 32)).toBe('M1 15.5v1.0M4 1.0v30.0');
});
