// One's saved messages with what can be read of them, page by page.
import { isSaved, type SavedEntry } from '@palabre/sdk';
import { reason } from '../town/problems';
import { client, town } from '../town/town.svelte';

export class Listed {
  /** Whether there has been an answer. */
  read = $state(false);
  busy = $state(false);
  problem = $state<string | undefined>();
  #entries = $state.raw<readonly SavedEntry[]>([]);
  #next = $state<string | null>(null);
  /** Counts the readings: an answer to an earlier one comes too late. */
  #turn = 0;

  /** Those that were not taken off meanwhile, here or on another device. */
  get entries(): readonly SavedEntry[] {
    return this.#entries.filter(({ saved }) => isSaved(town.state, saved) !== false);
  }

  get more(): boolean {
    return this.#next !== null;
  }

  /** Whether something was saved, here or on another device, that is not in the list. */
  get isBehind(): boolean {
    const newest = Math.max(0, ...[...town.state.saved.known.values()].map(({ saved }) => saved?.rev ?? 0));
    return newest > (this.#entries[0]?.saved.rev ?? 0);
  }

  /** Reads the list from its beginning. */
  begin = (): Promise<void> => this.#load(null);

  /** Reads the next page. */
  readMore = (): Promise<void> => this.#load(this.#next);

  async #load(cursor: string | null): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const page = await client.command('saved.list', cursor === null ? {} : { cursor });
      if (turn !== this.#turn) return;
      this.#entries = cursor === null ? page.entries : [...this.#entries, ...page.entries];
      this.#next = page.next_cursor;
      client.loadPeople(page.entries.flatMap(({ message }) => message?.author.id ?? []));
      [this.problem, this.read] = [undefined, true];
    } catch (error) {
      if (turn === this.#turn) this.problem = reason(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}
