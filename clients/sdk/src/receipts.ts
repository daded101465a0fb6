// What one tells the others while reading and writing: how far one has read, and that one writes.
import type { Asking } from './asking.js';
import { Refusal } from './problem.js';
import type { AnswerOf, CommandType, DataOf } from './wire.js';

export interface ReceiptsOptions extends Asking {
  readonly now: () => number;
  /** Gives a command on the socket; `null` if there is none. */
  readonly command: <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>> | null;
}

/** Markers of one conversation are not said more often. */
const EVERY_MS = 300;

export class Receipts {
  readonly #options: ReceiptsOptions;
  /** How far was read and not yet acknowledged, by conversation. */
  readonly #wanted = new Map<number, number>();
  readonly #busy = new Set<number>();
  readonly #typedAt = new Map<number, number>();

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  read(conversation: number, seq: number): void {
    const known = this.#options.state().conversations.get(conversation);
    if (!known || seq <= known.readSeq) return;
    this.#options.dispatch({ type: 'read', conversation, seq });
    this.#wanted.set(conversation, seq);
    void this.#say(conversation);
  }

  typing(conversation: number, typing: boolean): void {
    const { now, state, command } = this.#options;
    const at = this.#typedAt.get(conversation);
    const repeat = (state().limits?.typing_ms ?? 6000) / 2;
    if (typing ? at !== undefined && now() - at < repeat : at === undefined) return;
    const said = command('typing.set', { conversation, typing });
    if (!said) return;
    said.catch(ignore);
    if (typing) this.#typedAt.set(conversation, now());
    else this.#typedAt.delete(conversation);
  }

  /** With what is said, the writing has ended. */
  said(conversation: number): void {
    this.#typedAt.delete(conversation);
  }

  /** The line is back: says what could not be said. */
  resume(): void {
    this.#typedAt.clear();
    for (const conversation of this.#wanted.keys()) void this.#say(conversation);
  }

  forget(): void {
    this.#wanted.clear();
    this.#busy.clear();
    this.#typedAt.clear();
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
    if (again !== null && again < Infinity) await new Promise((resolve) => setTimeout(resolve, again));
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

function ignore(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
