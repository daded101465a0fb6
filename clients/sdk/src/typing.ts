// Says that one is writing, and that one has stopped; and forgets in time that others are.
import type { Asking, OnSocket } from './asking.js';
import { Refusal } from './problem.js';
import { threadKey } from './state/threads.js';
import { nextEnd } from './state/typing.js';
import { unref } from './timers.js';

/** The first feature level of a server that is told who writes in a thread. */
const IN_THREADS = 8;

export interface OwnTypingOptions extends Asking {
  readonly now: () => number;
  readonly command: OnSocket;
}

export class OwnTyping {
  readonly #options: OwnTypingOptions;
  /** When it was said last, by conversation and thread. */
  readonly #saidAt = new Map<string, number>();

  constructor(options: OwnTypingOptions) {
    this.#options = options;
  }

  /** One is writing, or no longer; said again while it goes on, before it would end by itself. */
  set(conversation: number, typing: boolean, thread: number | null): void {
    const { now, state, command } = this.#options;
    if (thread !== null && state().featureLevel < IN_THREADS) return;
    const key = threadKey(conversation, thread ?? 0);
    const at = this.#saidAt.get(key);
    const repeat = (state().limits?.typing_ms ?? 6000) / 2;
    if (typing ? at !== undefined && now() - at < repeat : at === undefined) return;
    const said = command('typing.set', {
      conversation,
      typing,
      ...(thread === null ? {} : { thread }),
    });
    if (!said) return;
    said.catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
    if (typing) this.#saidAt.set(key, now());
    else this.#saidAt.delete(key);
  }

  /** A message was sent: with it the writing has ended. */
  sent(conversation: number, thread: number | null): void {
    this.#saidAt.delete(threadKey(conversation, thread ?? 0));
  }

  /** Another connection: nothing was said on it. */
  forget(): void {
    this.#saidAt.clear();
  }
}

/** Others are shown as writing until the time is over for which the server has said so. */
export class OthersTyping {
  readonly #options: Pick<OwnTypingOptions, 'state' | 'dispatch' | 'now'>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Pick<OwnTypingOptions, 'state' | 'dispatch' | 'now'>) {
    this.#options = options;
  }

  /** Somebody writes: looks again when the first of all who do should have ended. */
  watch(): void {
    const { state, dispatch, now } = this.#options;
    const next = Math.min(Infinity, ...[...state().conversations.values()].map(nextEnd));
    this.stop();
    if (next === Infinity) return;
    const due = () => {
      dispatch({ type: 'clock', now: now() });
      this.watch();
    };
    this.#timer = setTimeout(due, Math.max(0, next - now()));
    unref(this.#timer);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
