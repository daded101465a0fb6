// Loads the profiles of accounts, many at once, each of them once.
import type { Asking } from './asking.js';
import { Refusal } from './problem.js';

/** Long enough that a screenful of names becomes one question. */
const GATHER_MS = 20;
const AT_ONCE = 100;

export class Profiles {
  readonly #asking: Asking;
  readonly #asked = new Set<number>();
  readonly #gathered = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  load(ids: Iterable<number>): void {
    const { people } = this.#asking.state();
    for (const id of ids) {
      if (!people.get(id)?.user && !this.#asked.has(id)) this.#gathered.add(id);
    }
    if (this.#gathered.size > 0) this.#timer ??= setTimeout(() => void this.#ask(), GATHER_MS);
  }

  /** Somebody else logs in: they load their own. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#gathered.clear();
    this.#asked.clear();
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#gathered];
    this.#gathered.clear();
    for (const id of ids) this.#asked.add(id);
    for (let at = 0; at < ids.length; at += AT_ONCE) await this.#some(ids.slice(at, at + AT_ONCE));
  }

  async #some(users: number[]): Promise<void> {
    try {
      const answer = await this.#asking.ask('user.list', { users });
      this.#asking.dispatch({ type: 'users', users: answer.users });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    } finally {
      for (const id of users) this.#asked.delete(id);
    }
  }
}
