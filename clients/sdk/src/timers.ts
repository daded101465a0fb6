// Timers that keep no program running: in Node a program ends when nothing but these is left.

/** The program need not go on for this timer; browsers have no such thing. */
export function unref(timer: unknown): void {
  if (typeof timer !== 'object' || timer === null || !('unref' in timer)) return;
  if (typeof timer.unref === 'function') timer.unref();
}

/** Waits, without keeping the program running. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => unref(setTimeout(resolve, ms)));
}
