// Says that one is writing, and that one has stopped.
import type { Asking, OnSocket } from './asking.js';
import { Refusal } from './problem.js';

export interface OwnTypingOptions extends Asking {
  readonly now: () => number;
  readonly command: OnSocket;
}

export class OwnTyping {
  readonly #options: OwnTypingOptions;
  /** When it was said last, by conversation. */
  readonly #saidAt = new Map<number, number>();

  constructor(options: OwnTypingOptions) {
    this.#options = options;
  }

  /** One is writing, or no longer; said again while it goes on, before it would end by itself. */
  set(conversation: number, typing: boolean): void {
    const { now, state, command } = this.#options;
    const at = this.#saidAt.get(conversation);
    const repeat = (state().limits?.typing_ms ?? 6000) / 2;
    if (typing ? at !== undefined && now() - at < repeat : at === undefined) return;
    const said = command('typing.set', { conversation, typing });
    if (!said) return;
    said.catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
    if (typing) this.#saidAt.set(conversation, now());
    else this.#saidAt.delete(conversation);
  }

  /** A message was sent: with it the writing has ended. */
  sent(conversation: number): void {
    this.#saidAt.delete(conversation);
  }

  /** Another connection: nothing was said on it. */
  forget(): void {
    this.#saidAt.clear();
  }
}
