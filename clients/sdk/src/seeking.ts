// Asks for what the state wants: rows, and the changes that fill a gap between a cursor and an event.
import type { Asking } from './asking.js';
import { Backoff } from './backoff.js';
import { Refusal } from './problem.js';
import type { Reread } from './state/catch_up.js';
import type { Input, Want } from './state/index.js';
import { pause } from './timers.js';
import type { AnswerOf, FollowedThread } from './wire.js';

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
const PAGE = 200;

type Gap = Exclude<Want, { readonly type: 'row' | 'reconnect' }>;

/** The next gap to ask for after an answer that was a piece; `null` after the last one. */
function after(found: Input): Gap | null {
  if (found.type === 'account.changes')
    return found.changes.more ? { type: 'account.sync', since: found.changes.to } : null;
  if (found.type !== 'changes' || !found.changes.more) return null;
  return { type: 'sync', conversation: found.conversation, since: found.changes.to };
}

export class Seeking {
  readonly #options: SeekingOptions;
  /** Whether the threads that one follows are being read, and are to be read again. */
  #reading: 'once' | 'again' | null = null;

  constructor(options: SeekingOptions) {
    this.#options = options;
  }

  async seek(want: Exclude<Want, { readonly type: 'reconnect' }>): Promise<void> {
    if (want.type === 'threads') return this.#threads(want);
    if (want.type !== 'row') return this.#fill(want);
    const row = await this.#asked(this.#options.ask('conversation.get', { conversation: want.conversation }));
    if (!(row instanceof Refusal)) this.#options.dispatch({ type: 'rows', rows: [row], shown: false });
  }

  /** Reads the threads that one follows. What comes while they are read makes them be read once more, and not more often. */
  async #threads(want: Gap): Promise<void> {
    if (this.#reading !== null) {
      this.#reading = 'again';
      return;
    }
    do {
      this.#reading = 'once';
      await this.#fill(want);
    } while ((this.#reading as 'once' | 'again') === 'again');
    this.#reading = null;
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
   * A gap must be filled, or its scope stands still: after a refusal that does not pass it is asked for again,
   * later and later, until the conversation or the person is gone or the line is another.
   */
  async #persist(want: Gap, begun: number): Promise<Input | null> {
    const { connection, random } = this.#options;
    const backoff = new Backoff({ base: AGAIN_MS, most: MOST_MS, random });
    for (let tries = 0; connection() === begun && this.#wanted(want); tries += 1) {
      const found = await this.#asked(this.#read(want, tries));
      if (!(found instanceof Refusal)) return connection() === begun ? found : null;
      // The refusal came because the line was gone.
      if (found.passing) return null;
      await pause(backoff.next(AGAIN_MS));
    }
    return null;
  }

  #wanted(want: Gap): boolean {
    const { conversations, accountSeq } = this.#options.state();
    return 'conversation' in want ? conversations.has(want.conversation) : accountSeq !== null;
  }

  async #read(want: Gap, tries: number): Promise<Input> {
    const { ask, reread } = this.#options;
    if (!('conversation' in want)) return this.#readAccount(want);
    const { conversation } = want;
    if (want.type === 'reread' || tries >= SYNCS)
      return { type: 'reread', conversation, read: await reread(conversation) };
    const changes = await ask('conversation.sync', { conversation, since: want.since });
    return { type: 'changes', conversation, changes };
  }

  async #readAccount(want: Exclude<Gap, { readonly conversation: number }>): Promise<Input> {
    const { ask, state } = this.#options;
    if (want.type === 'account.sync') {
      return { type: 'account.changes', changes: await ask('account.sync', { since: want.since }) };
    }
    if (want.type === 'groups') {
      const { rev = null } = state().userGroups ?? {};
      return { type: 'groups', groups: await ask('user_group.list', { rev }) };
    }
    if (want.type === 'threads') return { type: 'threads', threads: await this.#allThreads() };
    const since = state().accountSeq ?? 0;
    const [{ drafts }] = await Promise.all([ask('draft.list', {}), this.#readNotifications()]);
    return { type: 'drafts', drafts, since };
  }

  /** Drafts are there without them: a server before feature level 7 has none. */
  async #readNotifications(): Promise<void> {
    const { ask, dispatch } = this.#options;
    const notifications = await this.#asked(ask('notifications.get', {}));
    if (!(notifications instanceof Refusal)) dispatch({ type: 'notifications', notifications });
    else if (notifications.passing) throw notifications;
  }

  async #allThreads(): Promise<FollowedThread[]> {
    const { ask, state } = this.#options;
    const limit = Math.min(PAGE, state().limits?.list_page ?? PAGE);
    const threads: FollowedThread[] = [];
    let cursor: string | null = null;
    do {
      const page: AnswerOf<'thread.list'> = await ask('thread.list', { limit, cursor });
      threads.push(...page.threads);
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
    return threads;
  }

  async #asked<T>(asked: Promise<T>): Promise<T | Refusal> {
    return asked.catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
  }
}
