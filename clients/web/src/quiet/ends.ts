// When mutes end.
import { FOREVER } from '@palabre/sdk';

const HOUR_MS = 3_600_000;
/** When tomorrow begins for somebody who sleeps. */
const MORNING = 8;

/** The ends of mutes, by their names. */
export const ends = {
  hour: (now: Date) => new Date(now.getTime() + HOUR_MS).toISOString(),
  /** Eight in the morning of the next day, by the clock on the wall. */
  tomorrow: (now: Date) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING).toISOString(),
  forever: () => FOREVER,
} as const;
