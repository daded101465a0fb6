// Asks for what the state wants: rows, and what fills a hole between a cursor and an event.
import type { Asking } from './asking.js';
import { Backoff } from './backoff.js';
import { Refusal } from './problem.js';
import type { Reread, Want } from './state/conversations.js';
import type { Input } from './state/index.js';

export interface SeekingOptions extends Asking {
  /** Counts connections: after coming back, what is missing is found out anew. */
  readonly connection: () => number;
  /** Reads a conversation anew. */
  readonly anew: (conversation: number) => Promise<Reread>;
  readonly random: () => number;
}

/** So often the changes are asked for, before the conversation is read anew instead. */
const SYNCS = 2;
const AGAIN_MS = 1_000;
const MOST_MS = 60_000;

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

  /**
   * A hole must be filled, or the conversation stands still: a refusal that does not pass is asked about again,
   * later and later, until the conversation is gone or the line is another.
   */
  async #fill(want: Exclude<Want, { readonly type: 'row' }>): Promise<void> {
    const { connection, state, dispatch, random } = this.#options;
    const begun = connection();
    const backoff = new Backoff({ base: AGAIN_MS, most: MOST_MS, random });
    for (let tries = 0; connection() === begun && state().conversations.has(want.conversation); tries += 1) {
      const found = await this.#asked(this.#read(want, tries));
      if (!(found instanceof Refusal)) {
        if (connection() === begun) dispatch(found);
        return;
      }
      // It was asked until there was no line any more.
      if (found.passing) return;
      await new Promise((resolve) => setTimeout(resolve, backoff.next(AGAIN_MS)));
    }
  }

  async #read(want: Exclude<Want, { readonly type: 'row' }>, tries: number): Promise<Input> {
    const { ask, anew } = this.#options;
    const { conversation } = want;
    if (want.type === 'reread' || tries >= SYNCS)
      return { type: 'reread', conversation, read: await anew(conversation) };
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
