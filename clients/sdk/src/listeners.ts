// Listeners: they are told when the state changes, and when something happens.
import type { ClientEvents } from './options.js';
import { isolated } from './report.js';
import { empty, type State } from './state/index.js';

export type Listener = (state: State, before: State) => void;
export type Heard<T extends keyof ClientEvents> = (event: ClientEvents[T]) => void;

export class Listeners {
  readonly #listeners = new Set<Listener>();
  readonly #heard: { [T in keyof ClientEvents]: Set<Heard<T>> } = {
    frame: new Set(),
    message: new Set(),
    notify: new Set(),
    signedOut: new Set(),
  };
  readonly #state: () => State;
  /** The state that was told last. */
  #published: State = empty;
  #scheduled = false;

  constructor(state: () => State) {
    this.#state = state;
  }

  /** Calls back after changes, once for all that come together. Returns a function that unsubscribes. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls back when something happens. Returns a function that unsubscribes. */
  on<T extends keyof ClientEvents>(type: T, listener: Heard<T>): () => void {
    const heard: Set<Heard<T>> = this.#heard[type];
    heard.add(listener);
    return () => void heard.delete(listener);
  }

  /** The state has changed: it is told once for all changes that come together. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const [state, before] = [this.#state(), this.#published];
      this.#published = state;
      for (const listener of [...this.#listeners]) isolated(() => listener(state, before));
    });
  }

  emit<T extends keyof ClientEvents>(type: T, event: ClientEvents[T]): void {
    const heard: Set<Heard<T>> = this.#heard[type];
    for (const listener of [...heard]) isolated(() => listener(event));
  }

  /** Nobody is told anything any more. */
  clear(): void {
    this.#listeners.clear();
    for (const heard of Object.values(this.#heard)) heard.clear();
  }
}
