// A log-in: its tokens, kept in storage and shared with whoever else uses that storage (other tabs).
import { exclusively } from './exclusive.js';
import { Refusal } from './problem.js';
import type { Rest } from './rest.js';
import { parsed, readText, removeText, watch, writeText, type KeyValue } from './storage.js';
import type { Account, AccountRegisterData, SessionCreateData, Tokens } from './wire.js';

const KEY = 'palabre.session';
/** An access token is traded this long before it expires, or after half of its life if that is shorter. */
const MARGIN = 30_000;

/** The form of a session in storage. */
interface Kept {
  readonly access: string;
  readonly refresh: string;
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
  #era = 0;
  #refreshing: Promise<Kept> | null = null;
  /** The content of storage in place of tokens that it did not take (it was full): they live here until it changes. */
  #outdated: { readonly text: string | null } | null = null;
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

  /** The id of the account that the tokens belong to. */
  get user(): number | null {
    return this.#kept?.user ?? null;
  }

  /** Counts who it was: what was begun in another era must not go on in this one. */
  get era(): number {
    return this.#era;
  }

  async register(data: AccountRegisterData): Promise<Account> {
    return this.#enter(await this.#options.rest.command('account.register', data, null));
  }

  async logIn(data: SessionCreateData): Promise<Account> {
    return this.#enter(await this.#options.rest.command('session.create', data, null));
  }

  /** Forgets the tokens at once, then logs out on the server if it can be reached; only the latter is waited for. */
  async logOut(): Promise<void> {
    const [kept, trading] = [this.#kept, this.#refreshing];
    this.forget();
    if (!kept) return;
    await this.#end(kept, trading).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
  }

  async #end(kept: Kept, trading: Promise<Kept> | null): Promise<void> {
    const { rest, now } = this.#options;
    // Tokens that are being traded are good no longer, and nobody else keeps those that come.
    const last = (await trading?.catch(() => null)) ?? kept;
    const renewed =
      now() < last.renewAt
        ? null
        : await rest.command('session.refresh', { refresh_token: last.refresh }, null);
    await rest.command('session.logout', {}, renewed?.access_token ?? last.access);
  }

  /** Forgets the tokens; those that another tab has got since stay in storage. */
  forget(): void {
    const mine = this.#kept;
    if (mine && this.#read()?.refresh === mine.refresh) removeText(this.#options.storage, KEY);
    this.#outdated = null;
    this.#become(null);
  }

  /** Listens to other tabs no longer. */
  close(): void {
    this.#unwatch();
  }

  /** An access token that is good for some seconds at least. */
  async token(): Promise<string> {
    const kept = this.#kept;
    if (!kept) throw signedOut();
    return this.#options.now() < kept.renewAt ? kept.access : this.#fresh(kept);
  }

  /** Does something with a token; once more with a new one if it is refused. */
  async withToken<T>(use: (token: string) => Promise<T>): Promise<T> {
    const era = this.#era;
    const token = await this.token();
    try {
      return await use(token);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unauthenticated') throw error;
      // It was asked by somebody who is gone: it must not be done in the name of who has come.
      if (era !== this.#era) throw error;
      return use(await this.renewed(token));
    }
  }

  /** A token in place of one that was refused. */
  async renewed(refused: string): Promise<string> {
    const kept = this.#kept;
    if (!kept) throw signedOut();
    return kept.access === refused ? this.#fresh(kept) : kept.access;
  }

  async #fresh(old: Kept): Promise<string> {
    const era = this.#era;
    const { access } = await this.#refresh(old);
    if (era !== this.#era) throw signedOut();
    return access;
  }

  /** Trades the refresh token; all who ask at the same time wait for the same answer. */
  #refresh(old: Kept): Promise<Kept> {
    if (this.#refreshing) return this.#refreshing;
    const refreshing = exclusively(KEY, this.#options.storage, () => this.#trade(old)).finally(() => {
      if (this.#refreshing === refreshing) this.#refreshing = null;
    });
    this.#refreshing = refreshing;
    return refreshing;
  }

  async #trade(old: Kept): Promise<Kept> {
    // A refresh token is good for one trade: another tab may have made it while we waited for the lock.
    const current = this.#adopt();
    if (!current) throw signedOut();
    if (current.access !== old.access && this.#options.now() < current.renewAt) return current;
    const fresh = await this.#traded(current);
    if (!fresh) return this.#refused(current);
    // Somebody may have logged out or in meanwhile, here or in another tab: then it is kept no more.
    if (this.#adopt()?.refresh === current.refresh) this.#keep(fresh);
    return fresh;
  }

  /** Trades a refresh token for new tokens; `null` if it is no longer valid. */
  async #traded({ refresh }: Kept): Promise<Kept | null> {
    const { rest, now } = this.#options;
    try {
      return keptOf(await rest.command('session.refresh', { refresh_token: refresh }, null), now());
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unauthenticated') throw error;
      return null;
    }
  }

  #refused(current: Kept): Kept {
    const newer = this.#adopt();
    if (newer && newer.refresh !== current.refresh) return newer;
    if (newer) {
      this.forget();
      this.#options.lost();
    }
    throw signedOut();
  }

  #enter(tokens: Tokens): Account {
    this.#keep(keptOf(tokens, this.#options.now()));
    return tokens.user;
  }

  #keep(kept: Kept): void {
    this.#become(kept);
    const { storage } = this.#options;
    const written = writeText(storage, KEY, JSON.stringify(kept));
    this.#outdated = written ? null : { text: readText(storage, KEY) };
  }

  #become(kept: Kept | null): void {
    if (kept?.user !== this.#kept?.user) {
      this.#era += 1;
      this.#refreshing = null;
    }
    this.#kept = kept;
  }

  #read(): Kept | null {
    const text = readText(this.#options.storage, KEY);
    if (this.#outdated && this.#outdated.text === text) return this.#kept;
    const value = parsed(text);
    return isKept(value) ? value : null;
  }

  /** The session in storage now. */
  #adopt(): Kept | null {
    const before = this.#kept;
    const kept = this.#read();
    this.#become(kept);
    if (before && kept?.user !== before.user) this.#options.lost();
    return kept;
  }
}

function keptOf(tokens: Tokens, now: number): Kept {
  const life = tokens.expires_in * 1000;
  return {
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    renewAt: now + Math.max(life - MARGIN, life / 2),
    session: tokens.session,
    user: tokens.user.id,
  };
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const kept = value as Record<string, unknown>;
  const strings = [kept.access, kept.refresh].every((it) => typeof it === 'string');
  return strings && [kept.renewAt, kept.session, kept.user].every((it) => typeof it === 'number');
}

/** There are no tokens, or other people's. */
export function signedOut(): Refusal {
  return new Refusal({ code: 'unauthenticated', status: 401, detail: 'Nobody is logged in.' });
}
