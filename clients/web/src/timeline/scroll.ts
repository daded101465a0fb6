/** Nearer to the end than this many pixels is the end. */
export const END = 48;

/** Something on the screen that is to stay where it is while anything around it changes. */
export interface Anchor {
  /** The key of the row, and where its lower edge is below the upper edge of the screen, in pixels. */
  readonly key: string;
  readonly bottom: number;
}

/** The rows on the screen and beside it, from top to bottom. */
function rowsIn(log: HTMLElement): HTMLElement[] {
  return [...log.querySelectorAll<HTMLElement>('[data-key]')];
}

/** The index of the first row whose lower edge is below a height of the screen: they are sorted, so few are looked at. */
function firstBelow(rows: readonly HTMLElement[], height: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.getBoundingClientRect().bottom ?? Infinity) > height) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The row at the top of the screen. By its lower edge: the oldest row loses its name line when what the same person said
 * before comes above it, and a row may take more lines where there is less room; nothing below may move for that.
 *
 * The browser's own scroll anchoring would do, but not every browser has it, and it does not know that the end is
 * to be followed.
 */
export function anchorOf(log: HTMLElement): Anchor | null {
  const rows = rowsIn(log);
  const { top } = log.getBoundingClientRect();
  const row = rows[firstBelow(rows, top + 1)];
  if (!row) return null;
  return { key: row.dataset['key'] ?? '', bottom: row.getBoundingClientRect().bottom - top };
}

/** Scrolls so that a row is where it was. */
export function hold(log: HTMLElement, { key, bottom }: Anchor): void {
  const row = log.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!row) return;
  const by = row.getBoundingClientRect().bottom - log.getBoundingClientRect().top - bottom;
  // Where nothing has moved, nothing is scrolled: that would end a smooth movement.
  if (Math.abs(by) >= 0.5) log.scrollTop += by;
}

/** The number of the last message that is wholly on the screen; `slack` pixels of it may be below. */
export function lastSeen(log: HTMLElement, slack: number): number | undefined {
  const { top, bottom } = log.getBoundingClientRect();
  const rows = rowsIn(log);
  for (let at = firstBelow(rows, bottom + slack) - 1; at >= 0; at -= 1) {
    const row = rows[at];
    if (!row || row.getBoundingClientRect().bottom <= top) return undefined;
    if (row.dataset['seq']) return Number(row.dataset['seq']);
  }
  return undefined;
}
