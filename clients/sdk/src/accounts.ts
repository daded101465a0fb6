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

  /** After coming back: asks who of those that are known tells something else about themselves by now. */
  resume(): void {
    const { people, me } = this.#asking.state();
    // Servers before feature level 5 give no `rev`, and are not asked.
    const known = [...people.values()].flatMap(({ id, user }) => (user?.rev && id !== me?.id ? [user] : []));
    for (let at = 0; at < known.length; at += AT_ONCE) {
      const some = known.slice(at, at + AT_ONCE);
      void this.#some({ users: some.map(({ id }) => id), revs: some.map(({ rev }) => rev) });
    }
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
