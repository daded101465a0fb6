// A log-in: its tokens, kept in storage and shared with whoever else uses that storage (other tabs).
import { Refusal } from './problem.js';
import type { Rest } from './rest.js';
import { readJson, watch, type KeyValue } from './storage.js';
import type { Account, AccountRegisterData, SessionCreateData, Tokens } from './wire.js';

const KEY = 'palabre.session';
/** An access token is traded this long before it expires, or after half of its life if that is shorter. */
const MARGIN = 30_000;

/** What is kept. */
interface Kept {
  readonly access: string;
  readonly refresh: string;
  readonly expiresAt: number;
  readonly renewAt: number;
  readonly session: number;
  readonly user: number;
}

export interface SessionOptions {
  readonly rest: Rest;
  readonly storage: KeyValue;
  readonly now: () => number;
  /** Called when the session is over, or has become somebody else's, without `logOut` having been called here. */
  readonly lost: () => void;
}

export class Session {
  readonly #options: SessionOptions;
  #kept: Kept | null;
  #refreshing: Promise<Kept> | null = null;
  readonly #unwatch: () => void;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#kept = this.#read();
    this.#unwatch = watch(options.storage, (key) => {
      if (key === KEY || key === null) this.#adopt();
    });
  }

  /** Whether there are tokens. */
  get signedIn(): boolean {
    return this.#kept !== null;
  }

  /** Whose tokens they are. */
  get user(): number | null {
    return this.#kept?.user ?? null;
  }

  async register(data: AccountRegisterData): Promise<Account> {
    return this.#keep(await this.#options.rest.command('account.register', data, null));
  }

  async logIn(data: SessionCreateData): Promise<Account> {
    return this.#keep(await this.#options.rest.command('session.create', data, null));
  }

  /** Ends the session on the server if it can be reached, and forgets it in any case. */
  async logOut(): Promise<void> {
    try {
      if (this.#kept)
        await this.withToken((token) => this.#options.rest.command('session.logout', {}, token));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    } finally {
      this.forget();
    }
  }

  /** Forgets the tokens; those that another tab has got since stay in storage. */
  forget(): void {
    const mine = this.#kept;
    this.#kept = null;
    if (mine && this.#read()?.refresh === mine.refresh) this.#options.storage.removeItem(KEY);
  }

  /** Listens to other tabs no longer. */
  close(): void {
    this.#unwatch();
  }

  /** An access token that is good for some seconds at least. */
  async token(): Promise<string> {
    const kept = this.#kept;
    if (!kept) throw signedOut();
    if (this.#options.now() < kept.renewAt) return kept.access;
    return (await this.#refresh(kept)).access;
  }

  /** Does something with a token; once more with a new one if it is refused. */
  async withToken<T>(use: (token: string) => Promise<T>): Promise<T> {
    const token = await this.token();
    try {
      return await use(token);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unauthenticated') throw error;
      return use(await this.renewed(token));
    }
  }

  /** A token in place of one that was refused. */
  async renewed(refused: string): Promise<string> {
    const kept = this.#kept;
    if (!kept) throw signedOut();
    return kept.access === refused ? (await this.#refresh(kept)).access : kept.access;
  }

  /** Trades the refresh token; all who ask at the same time wait for the same answer. */
  #refresh(old: Kept): Promise<Kept> {
    this.#refreshing ??= exclusively(this.#options.storage, () => this.#trade(old)).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #trade(old: Kept): Promise<Kept> {
    // A refresh token is good for one trade: another tab may have made it while we waited for the lock.
    const current = this.#adopt();
    if (!current) throw signedOut();
    if (current.access !== old.access && this.#options.now() < current.renewAt) return current;
    try {
      this.#keep(
        await this.#options.rest.command('session.refresh', { refresh_token: current.refresh }, null),
      );
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
      const newer = this.#adopt();
      if (newer && newer.refresh !== current.refresh) return newer;
      this.forget();
      this.#options.lost();
      throw signedOut();
    }
    const kept = this.#kept;
    if (!kept) throw signedOut();
    return kept;
  }

  #keep(tokens: Tokens): Account {
    const now = this.#options.now();
    const life = tokens.expires_in * 1000;
    this.#kept = {
      access: tokens.access_token,
      refresh: tokens.refresh_token,
      expiresAt: now + life,
      renewAt: now + Math.max(life - MARGIN, life / 2),
      session: tokens.session,
      user: tokens.user.id,
    };
    this.#options.storage.setItem(KEY, JSON.stringify(this.#kept));
    return tokens.user;
  }

  #read(): Kept | null {
    const value = readJson(this.#options.storage, KEY);
    return isKept(value) ? value : null;
  }

  /** What storage holds now. */
  #adopt(): Kept | null {
    const before = this.#kept;
    const kept = this.#read();
    this.#kept = kept;
    if (before && kept?.user !== before.user) this.#options.lost();
    return kept;
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const kept = value as Record<string, unknown>;
  const strings = [kept.access, kept.refresh].every((it) => typeof it === 'string');
  return (
    strings && [kept.expiresAt, kept.renewAt, kept.session, kept.user].every((it) => typeof it === 'number')
  );
}

function signedOut(): Refusal {
  return new Refusal({ code: 'unauthenticated', status: 401, detail: 'Nobody is logged in.' });
}

const queues = new WeakMap<KeyValue, Promise<unknown>>();

/** One after the other: among the tabs of a browser where it has locks, else among the clients of this program. */
async function exclusively<T>(storage: KeyValue, work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (locks) return (await locks.request(KEY, work)) as T;
  const mine = (queues.get(storage) ?? Promise.resolve()).then(work, work);
  queues.set(
    storage,
    mine.catch(() => undefined),
  );
  return mine;
}
