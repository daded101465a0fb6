// Says how far one has read.
import type { Asking, OnSocket } from './asking.js';
import { Refusal } from './problem.js';
import { pause } from './timers.js';

export interface OwnMarkersOptions extends Asking {
  readonly command: OnSocket;
}

/** Milliseconds between two read markers of one conversation, at least. */
const EVERY_MS = 300;

export class OwnMarkers {
  readonly #options: OwnMarkersOptions;
  /** How far was read and not yet acknowledged, by conversation. */
  readonly #wanted = new Map<number, number>();
  readonly #busy = new Set<number>();

  constructor(options: OwnMarkersOptions) {
    this.#options = options;
  }

  /** Everything up to here was read. */
  read(conversation: number, seq: number): void {
    const known = this.#options.state().conversations.get(conversation);
    if (!known || seq <= known.readSeq) return;
    this.#options.dispatch({ type: 'read', conversation, seq });
    this.#wanted.set(conversation, seq);
    void this.#say(conversation);
  }

  /** The line is back: says what could not be said. */
  resume(): void {
    for (const conversation of this.#wanted.keys()) void this.#say(conversation);
  }

  /** Somebody else logs in: they have read nothing here. */
  forget(): void {
    this.#wanted.clear();
    this.#busy.clear();
  }

  async #say(conversation: number): Promise<void> {
    const seq = this.#wanted.get(conversation);
    if (seq === undefined || this.#busy.has(conversation)) return;
    const answer = this.#options.command('marker.read', { conversation, seq });
    if (!answer) return;
    this.#busy.add(conversation);
    const again = await answer.then(
      (marker) => {
        this.#options.dispatch({ type: 'marker', conversation, marker });
        return EVERY_MS;
      },
      (error: unknown) => later(error),
    );
    // A line that is gone says it by itself when it is back; another refusal is final.
    if (again === null || (again <= EVERY_MS && this.#wanted.get(conversation) === seq))
      this.#wanted.delete(conversation);
    if (again !== null && again < Infinity) await pause(again);
    this.#busy.delete(conversation);
    if (again !== null) void this.#say(conversation);
  }
}

/** When to try again; `null`: never. */
function later(error: unknown): number | null {
  if (!(error instanceof Refusal)) throw error;
  if (!error.passing) return null;
  return Math.max(EVERY_MS + 1, error.retryAfterMs ?? 1000);
}
