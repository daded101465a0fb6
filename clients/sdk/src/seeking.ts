// Asks for what the state wants: rows, and the changes that fill a gap between a cursor and an event.
import type { Asking } from './asking.js';
import { Backoff } from './backoff.js';
import { Refusal } from './problem.js';
import type { Reread } from './state/catch_up.js';
import type { Input, Want } from './state/index.js';

export interface SeekingOptions extends Asking {
  /** Counts connections: a new connection finds its own gaps. */
  readonly connection: () => number;
  /** Reads a conversation again from the start. */
  readonly reread: (conversation: number) => Promise<Reread>;
  readonly random: () => number;
}

/** The changes are asked for this many times, before the whole conversation is read again instead. */
const SYNCS = 2;
const AGAIN_MS = 1_000;
const MOST_MS = 60_000;

type Gap = Exclude<Want, { readonly type: 'row' }>;

/** The next gap to ask for after an answer that was a piece; `null` after the last one. */
function after(found: Input): Gap | null {
  if (found.type !== 'changes' || !found.changes.more) return null;
  return { type: 'sync', conversation: found.conversation, since: found.changes.to };
}

export class Seeking {
  readonly #options: SeekingOptions;

  constructor(options: SeekingOptions) {
    this.#options = options;
  }

  async seek(want: Want): Promise<void> {
    if (want.type !== 'row') return this.#fill(want);
    const row = await this.#asked(this.#options.ask('conversation.get', { conversation: want.conversation }));
    if (!(row instanceof Refusal)) this.#options.dispatch({ type: 'rows', rows: [row], shown: false });
  }

  /** Fills a gap, piece by piece. */
  async #fill(want: Gap): Promise<void> {
    const begun = this.#options.connection();
    for (let next: Gap | null = want; next !== null;) {
      const found = await this.#persist(next, begun);
      if (!found) return;
      this.#options.dispatch(found);
      next = after(found);
    }
  }

  /**
   * A gap must be filled, or the conversation stands still: after a refusal that does not pass it is asked for again,
   * later and later, until the conversation is gone or the line is another.
   */
  async #persist(want: Gap, begun: number): Promise<Input | null> {
    const { connection, state, random } = this.#options;
    const backoff = new Backoff({ base: AGAIN_MS, most: MOST_MS, random });
    for (let tries = 0; connection() === begun && state().conversations.has(want.conversation); tries += 1) {
      const found = await this.#asked(this.#read(want, tries));
      if (!(found instanceof Refusal)) return connection() === begun ? found : null;
      // The refusal came because the line was gone.
      if (found.passing) return null;
      await new Promise((resolve) => setTimeout(resolve, backoff.next(AGAIN_MS)));
    }
    return null;
  }

  async #read(want: Gap, tries: number): Promise<Input> {
    const { ask, reread } = this.#options;
    const { conversation } = want;
    if (want.type === 'reread' || tries >= SYNCS)
      return { type: 'reread', conversation, read: await reread(conversation) };
    const changes = await ask('conversation.sync', { conversation, since: want.since });
    return { type: 'changes', conversation, changes };
  }

  async #asked<T>(asked: Promise<T>): Promise<T | Refusal> {
    return asked.catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
  }
}
