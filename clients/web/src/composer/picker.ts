/** Cells in a row of the emoji grid. */
export const ACROSS = 8;

/** The cell that an arrow key leads to from cell `now`, or from outside of the grid (-1); null if the key does nothing. */
export function nextCell(key: string, now: number, count: number): number | null {
  if (now < 0) return key === 'ArrowDown' && count > 0 ? 0 : null;
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: ACROSS, ArrowUp: -ACROSS };
  const step = steps[key];
  return step === undefined ? null : Math.min(Math.max(now + step, 0), count - 1);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pixels between a panel, what opened it and the edge of the screen. */
const SPACE = 8;

/** Puts a panel above the element that opened it, or below where there is no room; wholly on the screen. */
export function placeBeside(
  opener: DOMRectReadOnly,
  panel: Size,
  screen: Size,
): { left: number; top: number } {
  const fitting = (at: number, size: number, most: number) =>
    Math.max(SPACE, Math.min(at, most - size - SPACE));
  const above = opener.top - panel.height - SPACE;
  return {
    left: fitting(opener.right - panel.width, panel.width, screen.width),
    top: above > SPACE ? above : fitting(opener.bottom + SPACE, panel.height, screen.height),
  };
}
