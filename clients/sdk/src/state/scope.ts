// The order of numbered events: one rule for the events of a conversation and for those of one's own account.

/** How a gap is being filled: by what has changed since, or by reading the scope again. */
export type Gap = 'sync' | 'reset' | null;

/** At most this many events of a scope wait for a gap before them to be filled. */
export const MOST_HELD = 1000;

/** The fate of an event: dropped, held until the gap is filled, applied, or held while what is missing is asked for. */
export type Turn = 'repeat' | 'held' | 'next' | 'missing';

/** Decides by an event's number and by the number that it follows. */
export function turnOf(seq: number, after: number, cursor: number, gap: Gap): Turn {
  if (seq <= cursor) return 'repeat';
  if (gap) return 'held';
  return after <= cursor ? 'next' : 'missing';
}

/** Of too many only the newest is held: when the gap is filled, it shows that there is another one. */
export function hold<F>(held: readonly F[], frame: F): readonly F[] {
  return held.length < MOST_HELD ? [...held, frame] : [frame];
}
