// Says how one wants to be shown, and that one does something.
import type { OnSocket, Within } from './asking.js';
import { Refusal } from './problem.js';
import type { Presence } from './wire.js';

/** Between two signs that the person does something, at least. */
const ACTIVE_EVERY_MS = 20_000;

export interface OwnPresenceOptions extends Pick<Within, 'state' | 'dispatch'> {
  readonly now: () => number;
  readonly onSocket: OnSocket;
  /** Gives a command once; says whether the same person is still here when it is answered. */
  readonly set: (presence: Presence) => Promise<boolean>;
}

export class OwnPresence {
  readonly #options: OwnPresenceOptions;
  #presence: Presence | null = null;
  /** When was last said that the person does something. */
  #activeAt = -Infinity;

  constructor(options: OwnPresenceOptions) {
    this.#options = options;
  }

  /** The person does something here. */
  active(): void {
    const now = this.#options.now();
    if (now - this.#activeAt < ACTIVE_EVERY_MS) return;
    // A server before feature level 7 shows nobody as away by itself, and refuses.
    const said = this.#options.onSocket('presence.active', {});
    if (!said) return;
    this.#activeAt = now;
    void said.catch(ignore);
  }

  async set(presence: Presence): Promise<void> {
    this.#presence = presence;
    if (!(await this.#options.set(presence))) return;
    const { me } = this.#options.state();
    // The server publishes it only in conversations with somebody who may see it.
    if (me) {
      const seen = { user: me.id, presence, last_seen_at: me.last_seen_at };
      this.#options.dispatch({ type: 'presences', people: [seen] });
    }
  }

  /** The line is back: says again how one wants to be shown. */
  resume(): void {
    this.#activeAt = -Infinity;
    const presence = this.#presence;
    if (presence) void this.#options.onSocket('presence.set', { presence })?.catch(ignore);
  }

  /** Somebody else is here, or nobody. */
  forget(): void {
    this.#presence = null;
  }
}

function ignore(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
