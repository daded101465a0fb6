/** Bars of a waveform at most, and how high one is at most: see docs/protocol/native.md. */
export const BARS = 100;
export const HIGHEST = 31;

/** Bars of what was heard, each of 0 to 1: the loudest of several in a row, of which the loudest of all is the highest. */
export function waveformOf(levels: readonly number[]): number[] {
  if (levels.length === 0) return [0];
  const loudest = Math.max(...levels, 0.02);
  const bars = Math.min(BARS, levels.length);
  return Array.from({ length: bars }, (_, bar) => {
    const [from, to] = [bar, bar + 1].map((at) => Math.floor((at * levels.length) / bars));
    const peak = Math.max(0, ...levels.slice(from, to));
    return Math.min(HIGHEST, Math.round((peak / loudest) * HIGHEST));
  });
}

/** How loud a moment is, from 0 to 1, by its samples of 0 to 255 around 128. */
export function levelOf(samples: Uint8Array): number {
  let sum = 0;
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
  return Math.min(1, Math.sqrt(sum / (samples.length || 1)) * 2);
}

/** Bars as one path in a field of this height, each two wide with one between; of silence a dot stays. */
export function pathOf(waveform: readonly number[], height: number): string {
  return waveform
    .map((bar, at) => {
      const tall = Math.max(1, (bar / HIGHEST) * (height - 2));
      return `M${at * 3 + 1} ${((height - tall) / 2).toFixed(1)}v${tall.toFixed(1)}`;
    })
    .join('');
}
