/** Nearer to the end than this many pixels is the end. */
export const END = 48;

/** Something on the screen that is to stay where it is while the list around it changes. */
export interface Anchor {
  /** Scrolls so that it is where it was. */
  hold(): void;
}

/**
 * Remembers what is at the top of the screen, or that it is the end that one looks at.
 *
 * The browser's own scroll anchoring would do, but not every browser has it, and it does not know that the end is
 * to be followed.
 */
export function anchored(log: HTMLElement, atEnd: boolean): Anchor {
  if (atEnd) return { hold: () => (log.scrollTop = log.scrollHeight) };
  const top = log.getBoundingClientRect().top;
  for (const row of log.querySelectorAll<HTMLElement>('[data-key]')) {
    const box = row.getBoundingClientRect();
    if (box.bottom <= top) continue;
    const { key } = row.dataset;
    return {
      hold() {
        // The element may have been replaced; its key has not changed. By its lower edge: the oldest row loses its
        // name line when what the same person said before comes above it, and nothing below may move for that.
        const now = row.isConnected ? row : log.querySelector(`[data-key="${CSS.escape(key ?? '')}"]`);
        if (now) log.scrollTop += now.getBoundingClientRect().bottom - box.bottom;
      },
    };
  }
  return { hold: () => {} };
}

/** The number of the last message that is wholly on the screen. */
export function lastSeen(log: HTMLElement): number | undefined {
  const { bottom } = log.getBoundingClientRect();
  const rows = [...log.querySelectorAll<HTMLElement>('[data-seq]')];
  const seen = rows.findLast((row) => row.getBoundingClientRect().bottom <= bottom);
  return seen ? Number(seen.dataset['seq']) : undefined;
}
