// Follows what is said to an account, for programs that must miss nothing: each message once, in the order of its
// conversation, whether it came live, during a cut, while the program was not running, or before a reset.
//
// Of each conversation two numbers are enough: up to where everything was told, and where its head is. Live events lead
// from the one to the other; whatever they leave out is read from the history. So it does not matter why something was
// left out, and nothing waits in memory that is not about to be told.
import type { OnSocket } from './asking.js';
import { Backoff } from './backoff.js';
import { Places, type FollowPosition, type Heads, type Place } from './places.js';
import { Refusal } from './problem.js';
import { isOfAccount } from './state/account_scope.js';
import { isNumbered, numberBefore } from './state/numbered.js';
import type { AccountFrame, NumberedFrame } from './state/state.js';
import type { KeyValue } from './storage.js';
import { unref } from './timers.js';
import type {
  AnswerOf,
  CommandType,
  DataOf,
  EventFrame,
  History,
  Message,
  MessageHistoryData,
} from './wire.js';

export interface FollowOptions {
  /**
   * Where to go on from: a `position()` that the program has kept by itself. Without it, from the one in storage;
   * without that too, from the first connection on.
   */
  readonly from?: FollowPosition | null;
  /** Programs of one account that follow it each for themselves have different names; "default" if absent. */
  readonly name?: string;
  /** Whether the position is kept in the client's storage; true unless `from` is given. */
  readonly keep?: boolean;
  /** Whether one's own messages are told too; false if absent. */
  readonly own?: boolean;
}

/** An event of one's own account: one was brought into a conversation, removed from one, a reminder is due … */
export type AccountEvent = AccountFrame;

export type Followed =
  | { readonly type: 'message'; readonly message: Message }
  /** Of several changes of one thing during an absence the last; after a very long one only `account.reset`. */
  | { readonly type: 'account'; readonly event: AccountEvent };

/** The part of a follower that its client feeds. */
export interface Following {
  authenticated(user: number, heads: Heads): void;
  hear(frame: EventFrame): void;
  end(error: Error | null): void;
}

/** The part of the client that a follower uses. */
export interface Inside {
  readonly storage: KeyValue;
  readonly random: () => number;
  readonly command: OnSocket;
  readonly me: () => number | null;
  readonly attach: (follower: Following) => void;
  readonly ended: (follower: Following) => void;
}

export interface FollowerOptions<T> extends Inside {
  /** The form in which it is handed out; `null` for what is of no interest. */
  readonly show: (followed: Followed) => T | null;
  /** Whether `show` wants the account's events. */
  readonly account: boolean;
  readonly given: FollowOptions;
}

/** Something that is about to be told, and the place in whose order it stands; none for the account. */
interface Queued<T> {
  readonly shown: T;
  readonly place: Place | null;
  readonly seq: number;
  readonly at: string | null;
}

/** Live events wait here for the program; what comes beyond is read later. */
const MOST_QUEUED = 200;
const PAGE = 200;
const AGAIN_MS = 1_000;

export class Follower<T> implements Following, AsyncIterableIterator<T> {
  readonly #options: FollowerOptions<T>;
  readonly #places: Places;
  readonly #queue: Queued<T>[] = [];
  readonly #backoff: Backoff;
  #inHand = false;
  #end: { readonly error: Error | null } | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #woken: () => void = () => undefined;
  /** Nothing is asked for until it fires: by no clock, which may be set back meanwhile. */
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FollowerOptions<T>) {
    this.#options = options;
    this.#places = new Places(options.storage, options.given);
    this.#backoff = new Backoff({ base: AGAIN_MS, random: options.random });
  }

  // Called by programs ---------------------------------------------------------------------------------

  /** The next one, as soon as there is one. Asking for it says that the one before is done. */
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#turn.then(() => this.#next());
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** Says that the one in hand is done, without asking for another: it is not told again after a restart. */
  done(): void {
    if (!this.#inHand) return;
    this.#inHand = false;
    this.#places.save();
  }

  /**
   * Where it is, the one in hand included: to be kept by the program, and given to `follow` as `from` after a restart.
   * It is plain JSON. `null` while the client has never been connected.
   */
  position(): FollowPosition | null {
    return this.#places.position();
  }

  /** Ends it: `next` says that there is no more. What is in hand and not `done` is told again after a restart. */
  close(): void {
    this.end(null);
  }

  /** A loop was left by `break`, `return` or an error: what is in hand counts as not done. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    this.done();
    for (;;) {
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return { value: undefined, done: true };
      const queued = this.#queue.shift();
      if (queued) return { value: this.#hand(queued), done: false };
      const woken = new Promise<void>((resolve) => (this.#woken = resolve));
      if (!(await this.#read())) await woken;
    }
  }

  #hand({ shown, place, seq, at }: Queued<T>): T {
    this.#places.told(place, seq, at);
    this.#inHand = true;
    return shown;
  }

  // Called by the client -------------------------------------------------------------------------------

  authenticated(user: number, heads: Heads): void {
    if (this.#end) return;
    try {
      if (this.#places.begin(user, heads) === 'another history') this.#startOver(heads);
    } catch (error) {
      return this.end(error instanceof Error ? error : new Error(String(error)));
    }
    this.#backoff.reset();
    this.#resume();
  }

  /** Another history: what was about to be told is read in it, if it is there. */
  #startOver({ accountSeq }: Heads): void {
    this.#queue.length = 0;
    if (accountSeq !== null) this.#putOfAccount({ type: 'account.reset', account_seq: accountSeq, data: {} });
  }

  hear(frame: EventFrame): void {
    const places = this.#places;
    if (!places.begun || this.#end) return;
    if (isOfAccount(frame)) this.#hearOfAccount(frame);
    if (frame.type === 'conversation.added') places.add(frame.data);
    else if (frame.type === 'conversation.removed') places.remove(frame.conversation);
    else if (frame.type === 'conversation.changes')
      places.ahead(frame.conversation, frame.data.conversation.head);
    else if (isNumbered(frame)) this.#hearNumbered(frame);
    this.#woken();
  }

  end(error: Error | null): void {
    if (this.#end) return;
    this.#end = { error };
    this.#queue.length = 0;
    clearTimeout(this.#pause);
    this.#options.ended(this);
    this.#woken();
  }

  #hearNumbered(frame: NumberedFrame): void {
    const place = this.#places.get(frame.conversation);
    if (!place) return;
    if (frame.type === 'message.edited' || frame.type === 'message.deleted') this.#change(place, frame.data);
    const follows = numberBefore(frame) <= place.read && frame.seq > place.read;
    const isNext = place.begins === 'here' && follows;
    if (!isNext || this.#queue.length >= MOST_QUEUED)
      return this.#places.ahead(frame.conversation, frame.seq);
    if (frame.type === 'message.created') this.#put(place, frame.data);
    this.#places.read(place, frame.seq);
  }

  #hearOfAccount(frame: AccountFrame): void {
    const { account } = this.#places;
    if (!account || !this.#options.account || frame.account_seq <= account.read) return;
    const { account_after = frame.account_seq - 1 } = frame;
    const isNext = frame.type === 'account.reset' || account_after <= account.read;
    if (isNext && this.#queue.length < MOST_QUEUED) this.#putOfAccount(frame);
    else account.head = Math.max(account.head, frame.account_seq);
  }

  /** A message that is about to be told is told as it is now, and not at all once it is deleted. */
  #change(place: Place, message: Message): void {
    const at = this.#queue.findIndex((it) => it.place === place && it.seq === message.seq);
    const queued = this.#queue[at];
    if (!queued) return;
    const shown = message.deleted_at === null ? this.#options.show({ type: 'message', message }) : null;
    if (shown !== null) this.#queue[at] = { ...queued, shown };
    else {
      this.#queue.splice(at, 1);
      place.queued -= 1;
    }
  }

  #put(place: Place, message: Message): void {
    const { me, show, given } = this.#options;
    if (message.seq <= place.read) return;
    place.readAt = message.created_at;
    if (message.deleted_at !== null) return;
    if (!given.own && message.author.id === me()) return;
    const shown = show({ type: 'message', message });
    if (shown === null) return;
    place.queued += 1;
    this.#queue.push({ shown, place, seq: message.seq, at: message.created_at });
  }

  #putOfAccount(event: AccountFrame): void {
    const { account } = this.#places;
    if (!account || event.account_seq <= account.read) return;
    const shown = this.#options.show({ type: 'account', event });
    if (shown !== null) {
      account.queued += 1;
      this.#queue.push({ shown, place: null, seq: event.account_seq, at: null });
    }
    account.read = event.account_seq;
    account.head = Math.max(account.head, account.read);
  }

  // Reading what was left out --------------------------------------------------------------------------

  /** Reads something that was left out; false if there is nothing, or if it cannot be read now. */
  async #read(): Promise<boolean> {
    const { account } = this.#options;
    if (!this.#places.begun || this.#pause !== undefined) return false;
    if (account && this.#places.isAccountBehind()) return this.#asked(null, () => this.#readAccount());
    const next = this.#places.nextBehind();
    if (!next) return false;
    const [conversation, place] = next;
    return this.#asked(conversation, () => this.#readPlace(conversation, place));
  }

  /** Asks; false if the answer is to be waited for until later. */
  async #asked(conversation: number | null, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      if (!(await ask())) return false;
      this.#backoff.reset();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === 'network') return false;
      // One is in it no longer; the event that says so is on its way.
      if (conversation !== null && (error.code === 'not_found' || error.code === 'forbidden'))
        this.#places.remove(conversation);
      else this.#later(this.#backoff.next(Math.max(AGAIN_MS, error.retryAfterMs ?? 0)));
      return true;
    }
  }

  #later(ms: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#resume(), ms);
    unref(this.#pause);
  }

  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#woken();
  }

  async #readPlace(conversation: number, place: Place): Promise<boolean> {
    if (place.begins === 'where it was joined') return this.#join(conversation, place);
    if (place.begins === 'where the time says') return this.#rewind(conversation, place);
    const { head } = place;
    const page = await this.#ask('message.history', { conversation, after_seq: place.read, limit: PAGE });
    if (!page || this.#places.get(conversation) !== place) return page !== null;
    for (const message of page.messages) this.#put(place, message);
    const last = page.messages.at(-1)?.seq ?? 0;
    // All that had happened when it was asked for is known by its answer.
    this.#places.read(place, page.has_more_after ? last : Math.max(last, page.head, head));
    return true;
  }

  /** It was joined while nobody followed: the read marker stands at the joining. */
  async #join(conversation: number, place: Place): Promise<boolean> {
    const row = await this.#ask('conversation.get', { conversation });
    if (row && this.#places.get(conversation) === place) this.#places.beginAt(place, row.read_seq, null);
    return row !== null;
  }

  /** Another history of the database: the numbers say nothing there, but the times still do. */
  async #rewind(conversation: number, place: Place): Promise<boolean> {
    for (let before: number | null = null; ;) {
      const wanted: MessageHistoryData = { conversation, before_seq: before, limit: PAGE };
      const page: History | null = await this.#ask('message.history', wanted);
      if (!page || this.#places.get(conversation) !== place) return page !== null;
      const known = page.messages.findLast((message) => wasTold(message, place));
      before = page.messages[0]?.seq ?? null;
      if (!known && page.has_more_before && before !== null) continue;
      this.#places.beginAt(place, known?.seq ?? 0, known?.created_at ?? null);
      return true;
    }
  }

  async #readAccount(): Promise<boolean> {
    const { account } = this.#places;
    if (!account) return false;
    const { head } = account;
    const changes = await this.#ask('account.sync', { since: Math.max(0, account.read) });
    if (!changes) return false;
    if (changes.reset) this.#putOfAccount({ type: 'account.reset', account_seq: changes.to, data: {} });
    for (const event of changes.events) if (isOfAccount(event)) this.#putOfAccount(event);
    account.read = Math.max(account.read, changes.to, changes.more ? 0 : head);
    account.head = Math.max(account.head, account.read + (changes.more ? 1 : 0));
    return true;
  }

  /**
   * Asks on the socket, never otherwise: everything on one connection is of one history. `null` if there is none; one
   * that ends before the answer refuses with `network`.
   */
  async #ask<C extends CommandType>(type: C, data: DataOf<C>): Promise<AnswerOf<C> | null> {
    return this.#options.command(type, data);
  }
}

/** Whether this message, of another history than the place, had been told there. */
function wasTold({ created_at, seq }: Message, { at, told }: Place): boolean {
  return at !== null && (created_at < at || (created_at === at && seq <= told));
}
