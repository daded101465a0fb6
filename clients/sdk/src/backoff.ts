// How long to wait before the next try: full jitter, so that clients that fell together do not come back together.

export interface BackoffOptions {
  /** The first try waits at most this long, in milliseconds. */
  readonly base?: number;
  /** No try waits longer, unless the server asks for it. */
  readonly most?: number;
  readonly random?: () => number;
}

const BASE = 500;
const MOST = 30_000;

export class Backoff {
  readonly #base: number;
  readonly #most: number;
  readonly #random: () => number;
  #tries = 0;

  constructor(options: BackoffOptions = {}) {
    this.#base = options.base ?? BASE;
    this.#most = options.most ?? MOST;
    this.#random = options.random ?? Math.random;
  }

  /** Milliseconds to wait now: from 0 to twice as much as before, added to what the server asks for. */
  next(atLeast = 0): number {
    const ceiling = Math.min(this.#most, this.#base * 2 ** Math.min(this.#tries, 30));
    this.#tries += 1;
    return Math.round(atLeast + this.#random() * ceiling);
  }

  /** It went well: begin again with short waits. */
  reset(): void {
    this.#tries = 0;
  }
}
