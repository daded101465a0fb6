// Tells the others that one writes, and no longer.
import type { Asking } from './asking.js';
import { Refusal } from './problem.js';
import type { AnswerOf, CommandType, DataOf } from './wire.js';

export interface TypingOptions extends Pick<Asking, 'state'> {
  readonly now: () => number;
  /** Gives a command on the socket; `null` if there is none. */
  readonly command: <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>> | null;
}

export class Typing {
  readonly #options: TypingOptions;
  readonly #typedAt = new Map<number, number>();

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  say(conversation: number, typing: boolean): void {
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

  forget(): void {
    this.#typedAt.clear();
  }
}

function ignore(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
