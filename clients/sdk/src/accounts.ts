// Loads the profiles of accounts, many at once, each of them once.
import type { Asking } from './asking.js';
import { Refusal } from './problem.js';
import { isNumbered } from './state/accounts.js';

/** Long enough that a screenful of names becomes one question. */
const GATHER_MS = 20;
const AT_ONCE = 100;

export class Profiles {
  readonly #asking: Asking;
  readonly #asked = new Set<number>();
  readonly #gathered = new Set<number>();
  /** People of whom something else may be true by now. */
  readonly #doubted = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

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

  /** After coming back: asks who of those that are known tells something else about themselves by now. */
  resume(): void {
    for (const id of this.#asking.state().people.keys()) this.#doubted.add(id);
    this.#askAgain();
  }

  /** Asks the same of these, or of all, who may have changed while one shared no conversation with them. */
  doubt(ids: Iterable<number> = this.#asking.state().people.keys()): void {
    for (const id of ids) this.#doubted.add(id);
    if (this.#doubted.size > 0) this.#again ??= setTimeout(() => this.#askAgain(), GATHER_MS);
  }

  /** Somebody else logs in: they load their own. */
  forget(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#again);
    this.#timer = this.#again = undefined;
    this.#gathered.clear();
    this.#doubted.clear();
    this.#asked.clear();
  }

  #askAgain(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
    const { people, me } = this.#asking.state();
    const users = [...this.#doubted].map((id) => people.get(id)?.user);
    this.#doubted.clear();
    // Servers before feature level 5 give no `rev`, and are not asked.
    const known = users.flatMap((user) => (user && isNumbered(user) && user.id !== me?.id ? [user] : []));
    for (let at = 0; at < known.length; at += AT_ONCE) {
      const some = known.slice(at, at + AT_ONCE);
      void this.#some({ users: some.map(({ id }) => id), revs: some.map(({ rev }) => rev) });
    }
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#gathered];
    this.#gathered.clear();
    for (const id of ids) this.#asked.add(id);
    for (let at = 0; at < ids.length; at += AT_ONCE) await this.#some({ users: ids.slice(at, at + AT_ONCE) });
  }

  async #some(wanted: { readonly users: number[]; readonly revs?: number[] }): Promise<void> {
    try {
      const answer = await this.#asking.ask('user.list', wanted);
      this.#asking.dispatch({ type: 'users', users: answer.users });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    } finally {
      for (const id of wanted.users) this.#asked.delete(id);
    }
  }
}
