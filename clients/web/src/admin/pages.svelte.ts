import { reason } from '../town/problems';

/** One page of a list, and where the next begins. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Reads a page of the search's results, from a cursor on. */
export type Read<T> = (search: string, cursor: string | null) => Promise<Page<T>>;

/** A list that is read page by page, from the start for each search. */
export class Pages<T extends { readonly id: number }> {
  items = $state.raw<readonly T[]>([]);
  /** Whether a page is on its way. */
  busy = $state(false);
  /** Whether there has been an answer to the last search. */
  read = $state(false);
  problem = $state<string | undefined>();
  #next = $state<string | null>(null);
  #search = '';
  /** Counts the searches: an answer to an earlier one comes too late. */
  #turn = 0;
  readonly #page: Read<T>;

  constructor(page: Read<T>) {
    this.#page = page;
  }

  get more(): boolean {
    return this.#next !== null;
  }

  /** Begins again with another search. */
  async search(text: string): Promise<void> {
    this.#search = text;
    await this.#load(null);
  }

  /** Reads the next page. */
  async readMore(): Promise<void> {
    if (this.#next !== null && !this.busy) await this.#load(this.#next);
  }

  /** Puts an item in the place of its older self. */
  replace(item: T): void {
    this.items = this.items.map((one) => (one.id === item.id ? item : one));
  }

  async #load(cursor: string | null): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const page = await this.#page(this.#search, cursor);
      if (turn !== this.#turn) return;
      this.items = cursor === null ? page.items : [...this.items, ...page.items];
      this.#next = page.next;
      this.problem = undefined;
      this.read = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = reason(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}
