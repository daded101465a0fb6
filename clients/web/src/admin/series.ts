/** One value at one time. */
export interface Point {
  /** Milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** The values of one reading that the charts show. */
export interface Sample {
  readonly at: number;
  readonly messages_sent: number;
  readonly connections: number;
  readonly storage_bytes: number;
}

/** How far back the charts look. */
export const SPAN_MS = 5 * 60_000;
/** Between readings that lie further apart the line of the chart is broken: the page was hidden. */
const GAP_MS = 10_000;

/** Adds a reading at the end and drops those that are too old, but for one before the span, for the first difference. */
export function withSample(samples: readonly Sample[], next: Sample): Sample[] {
  const first = samples.findIndex((one) => one.at > next.at - SPAN_MS);
  return [...(first < 0 ? [] : samples.slice(Math.max(0, first - 1))), next];
}

/** The rate of a counter between readings, per second; undefined after a restart, when it begins again. */
export function rates(samples: readonly Sample[]): Point[] {
  return samples.slice(1).flatMap((now, index) => {
    const before = samples[index];
    if (before === undefined || now.at <= before.at || now.messages_sent < before.messages_sent) return [];
    return [
      { at: now.at, value: ((now.messages_sent - before.messages_sent) * 1000) / (now.at - before.at) },
    ];
  });
}

/** A round number not below the largest value, for the top of a chart. */
export function ceilingOf(points: readonly Point[], least: number): number {
  const most = Math.max(least, ...points.map((one) => one.value));
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((times) => times * step).find((round) => round >= most) ?? most;
}

/** The lines of a chart as the `d` of a path: the span from left to right, 0 at the bottom. */
export function linesOf(points: readonly Point[], ceiling: number, width: number, height: number): string {
  const last = points.at(-1);
  if (last === undefined) return '';
  const x = (at: number) => round(width - ((last.at - at) / SPAN_MS) * width);
  const y = (value: number) => round(height - (value / ceiling) * height);
  const shown = points.filter((one) => one.at >= last.at - SPAN_MS);
  return shown
    .map((one, index) => {
      const before = shown[index - 1];
      const begins = before === undefined || one.at - before.at > GAP_MS;
      return `${begins ? 'M' : 'L'}${x(one.at)} ${y(one.value)}`;
    })
    .join('');
}

const round = (value: number) => Math.round(value * 100) / 100;

export { bytes } from '../bytes';
