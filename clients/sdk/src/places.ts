// How far a follower has told each conversation, and the form in which that outlives it.
import { parsed, writeText, type KeyValue } from './storage.js';
import type { Conversation } from './wire.js';

/** How far everything was told; plain JSON. */
export interface FollowPosition {
  /** The history of the database of which the numbers are. */
  readonly epoch: string;
  /** The number of the last change of one's own account that was told; `null` where the server numbers none. */
  readonly accountSeq: number | null;
  /** By conversation: everything up to this number was told, and when the last message up to there had been stored. */
  readonly conversations: Readonly<Record<string, readonly [told: number, at: string | null]>>;
}

/** Where everything stands at the beginning of a connection. */
export interface Heads {
  readonly epoch: string;
  readonly accountSeq: number | null;
  /** Of each conversation its head, and the number from which "from now on" begins. */
  readonly conversations: readonly { readonly id: number; readonly head: number; readonly now: number }[];
}

/** One conversation. */
export interface Place {
  /** Everything up to here was handed out. */
  told: number;
  /** When the last message up to there had been stored; `null` if there was none since it began. */
  at: string | null;
  /** Everything up to here was handed out, or is about to be. */
  read: number;
  /** When the last message up to there had been stored. */
  readAt: string | null;
  /** So many of it are about to be. */
  queued: number;
  /** The event. */
  head: number;
  /** Where to begin, if that is not known yet. */
  begins: 'here' | 'where it was joined' | 'where the time says';
}

/** The own account. */
export interface AccountPlace {
  told: number;
  read: number;
  queued: number;
  head: number;
}

export interface PlacesOptions {
  readonly from?: FollowPosition | null;
  readonly name?: string;
  readonly keep?: boolean;
}

/** How a connection begins; in another history of the database, numbers of before mean nothing. */
export type Begun = 'first' | 'again' | 'another history';

export class Places {
  readonly #storage: KeyValue;
  readonly #options: PlacesOptions;
  readonly #places = new Map<number, Place>();
  /** Those of which something has to be read, the one that has waited longest first. */
  readonly #behind = new Set<number>();
  #account: AccountPlace | null = null;
  /** The history of which the numbers of the last position are. */
  #epoch: string | null = null;
  /** The history of the connection. While places are sought in it by time, it is another one. */
  #history: string | null = null;
  #key: string | null = null;

  constructor(storage: KeyValue, options: PlacesOptions) {
    if (options.from && !isPosition(options.from))
      throw new TypeError('`from` is no position: give what `position()` has returned.');
    this.#storage = storage;
    this.#options = options;
  }

  get begun(): boolean {
    return this.#history !== null;
  }

  get account(): AccountPlace | null {
    return this.#account;
  }

  get(conversation: number): Place | undefined {
    return this.#places.get(conversation);
  }

  /** A connection begins. Throws if the position in storage cannot be read. */
  begin(user: number, heads: Heads): Begun {
    const begun = this.begun ? 'again' : 'first';
    if (begun === 'first') this.#load(user, heads);
    const isAnother = this.#history !== heads.epoch;
    if (isAnother) this.#loseCount(heads);
    this.#follow(heads);
    if (begun === 'first') this.save();
    return isAnother ? 'another history' : begun;
  }

  /** One is in another conversation: everything after the joining is to be told. */
  add({ id, head, read_seq }: Conversation): void {
    if (!this.#places.has(id)) this.#places.set(id, placeAt(read_seq, null));
    this.ahead(id, head);
  }

  remove(conversation: number): void {
    this.#places.delete(conversation);
    this.#behind.delete(conversation);
  }

  /** Something has happened up to this number. */
  ahead(conversation: number, head: number): void {
    const place = this.#places.get(conversation);
    if (!place) return;
    place.head = Math.max(place.head, head);
    if (isBehind(place)) this.#behind.add(conversation);
  }

  /** Everything up to this number is about to be told. */
  read(place: Place, seq: number): void {
    place.read = Math.max(place.read, seq);
    place.head = Math.max(place.head, place.read);
  }

  /** It was handed out; without a place it is of the account. */
  told(place: Place | null, seq: number, at: string | null): void {
    const scope = place ?? this.#account;
    if (!scope) return;
    scope.told = Math.max(scope.told, seq);
    scope.queued -= 1;
    if (place) place.at = at ?? place.at;
  }

  /** It begins after this number. */
  beginAt(place: Place, seq: number, at: string | null): void {
    place.told = place.read = seq;
    place.at = place.readAt = at;
    place.begins = 'here';
    place.head = Math.max(place.head, seq);
  }

  isAccountBehind(): boolean {
    return this.#account !== null && this.#account.read < this.#account.head;
  }

  /** The next one of which something has to be read; each in its turn. */
  nextBehind(): readonly [number, Place] | null {
    for (const id of this.#behind) {
      const place = this.#places.get(id);
      this.#behind.delete(id);
      if (!place || !isBehind(place)) continue;
      this.#behind.add(id);
      return [id, place];
    }
    return null;
  }

  position(): FollowPosition | null {
    const all = [...this.#places];
    // Until each place is found in another history, the position is one of the history before: their times are right.
    if (all.every(([, { begins }]) => begins !== 'where the time says')) this.#epoch = this.#history;
    if (this.#epoch === null) return null;
    const known = all.filter(([, { begins }]) => begins !== 'where it was joined');
    const conversations = known.map(([id, place]) => [id, reached(place)] as const);
    return {
      epoch: this.#epoch,
      accountSeq: this.#account && (this.#account.queued > 0 ? this.#account.told : this.#account.read),
      conversations: Object.fromEntries(conversations),
    };
  }

  /** Keeps the position, if that is wanted. */
  save(): void {
    const position = this.#key === null ? null : this.position();
    if (this.#key !== null && position) writeText(this.#storage, this.#key, JSON.stringify(position));
  }

  #load(user: number, heads: Heads): void {
    const { from, name = 'default', keep = !from } = this.#options;
    this.#key = keep ? `palabre.follow.${user}.${name}` : null;
    const position = from ?? this.#stored() ?? positionNow(heads);
    for (const [id, [told, at]] of Object.entries(position.conversations))
      this.#places.set(Number(id), placeAt(told, at));
    this.#epoch = this.#history = position.epoch;
    if (position.accountSeq !== null) this.#account = accountAt(position.accountSeq);
  }

  #stored(): FollowPosition | null {
    const text = this.#key === null ? null : this.#storage.getItem(this.#key);
    if (text === null) return null;
    const position = parsed(text);
    if (isPosition(position)) return position;
    throw new Error(
      `The position in storage under ${this.#key} cannot be read. Remove it to begin from now on.`,
    );
  }

  #loseCount({ epoch, accountSeq, conversations }: Heads): void {
    const heads = new Map(conversations.map(({ id, head }) => [id, head]));
    for (const [id, place] of this.#places) {
      if (place.begins === 'where it was joined') continue;
      const [told, at] = reached(place);
      const head = heads.get(id) ?? 0;
      // A head of before would be beyond that of this history.
      this.#places.set(id, { ...placeAt(told, at), head, begins: 'where the time says' });
      // No message was there since it began: whatever comes after that is new.
      if (at === null) this.#places.set(id, placeAt(Math.min(told, head), null));
    }
    if (this.#account && accountSeq !== null) this.#account = { ...accountAt(-1), head: accountSeq };
    this.#history = epoch;
  }

  #follow({ accountSeq, conversations }: Heads): void {
    const there = new Set(conversations.map(({ id }) => id));
    for (const id of this.#places.keys()) if (!there.has(id)) this.remove(id);
    for (const { id, head } of conversations) {
      // Nobody followed when it was joined.
      if (!this.#places.has(id)) this.#places.set(id, { ...placeAt(0, null), begins: 'where it was joined' });
      this.ahead(id, head);
    }
    if (accountSeq === null) this.#account = null;
    else this.#account = { ...(this.#account ?? accountAt(accountSeq)), head: accountSeq };
  }
}

function placeAt(told: number, at: string | null): Place {
  return { told, at, read: told, readAt: at, queued: 0, head: told, begins: 'here' };
}

function accountAt(told: number): AccountPlace {
  return { told, read: told, queued: 0, head: told };
}

function positionNow({ epoch, accountSeq, conversations }: Heads): FollowPosition {
  const now = conversations.map(({ id, now: told }) => [id, [told, null]] as const);
  return { epoch, accountSeq, conversations: Object.fromEntries(now) };
}

function isBehind({ begins, read, head }: Place): boolean {
  return begins !== 'here' || read < head;
}

/**
 * How far everything was told: what is about to be does not count. Without any message it stays where it began, so that
 * in another history of the database nothing after that is taken for what was told.
 */
function reached({ begins, queued, told, at, read, readAt }: Place): readonly [number, string | null] {
  return begins === 'here' && queued === 0 && readAt !== null ? [read, readAt] : [told, at];
}

function isPosition(value: unknown): value is FollowPosition {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, accountSeq, conversations } = value as Record<string, unknown>;
  if (typeof epoch !== 'string' || typeof conversations !== 'object' || conversations === null) return false;
  const isSeq = accountSeq === null || Number.isSafeInteger(accountSeq);
  return isSeq && Object.entries(conversations).every(([id, place]) => /^\d+$/.test(id) && isPlace(place));
}

function isPlace(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [told, at] = value as unknown[];
  return Number.isSafeInteger(told) && (at === null || typeof at === 'string');
}
