// The core of a client: one person's session, line, outbox and state. What few pages need of a noun is in functions of
// its file, which are given the core.
import { Profiles } from './accounts.js';
import type { OnSocket, Part, Within } from './asking.js';
import type { Following, Inside } from './follower.js';
import { Line } from './line.js';
import { Listeners, type Heard, type Listener } from './listeners.js';
import { OwnMarkers } from './markers.js';
import { Notifier } from './notifier.js';
import { addressed, type ClientEvents, type ClientOptions, type SendOptions } from './options.js';
import { Outbox } from './outbox.js';
import type { Heads } from './places.js';
import { OwnPresence } from './presence.js';
import { Refusal } from './problem.js';
import { Readings } from './readings.js';
import { Rest, type Fetch } from './rest.js';
import { Seeking } from './seeking.js';
import { sendOf } from './sending.js';
import { Session, signedOut } from './session.js';
import type { WebSocketConstructor } from './socket.js';
import { shownName } from './state/accounts.js';
import {
  empty,
  positionOf,
  reduce,
  type Input,
  type LineState,
  type Position,
  type Reduced,
  type State,
} from './state/index.js';
import type { Pending } from './state/pending.js';
import { knowsThreads } from './state/threads.js';
import { defaultStorage, type KeyValue } from './storage.js';
import { pause } from './timers.js';
import { OthersTyping, OwnTyping } from './typing.js';
import type {
  Account,
  AccountRegisterData,
  AnswerOf,
  Authenticated,
  CommandType,
  DataOf,
  EventFrame,
  Person,
  Presence,
  Server,
  SessionCreateData,
} from './wire.js';

/** Close reasons after which the session is of no more use. */
const ENDED: ReadonlySet<string> = new Set(['session_ended', 'deactivated', 'unauthenticated']);
const LIST_PAGE = 200;
/** Between two tries of something that the client asks for by itself. */
const AGAIN_MS = 1_000;

export class Core {
  /** For the functions of the nouns, such as `saveDraft` and `openThread`. */
  readonly within: Within;
  readonly #rest: Rest;
  readonly #session: Session;
  readonly #line: Line;
  readonly #outbox: Outbox;
  readonly #readings: Readings;
  readonly #seeking: Seeking;
  readonly #markers: OwnMarkers;
  readonly #typing: OwnTyping;
  readonly #typists: OthersTyping;
  readonly #profiles: Profiles;
  readonly #notifier: Notifier;
  readonly #now: () => number;
  readonly #WebSocket: () => WebSocketConstructor;
  readonly #windowSize: number;
  readonly #storage: KeyValue;
  readonly #random: () => number;
  readonly #parts: Part[] = [];
  readonly #followers = new Set<Following>();
  readonly #listeners = new Listeners(() => this.#state);
  readonly #presence: OwnPresence;
  #state: State = empty;
  /** The account that the state and the line belong to. */
  #whose: number | null;
  /** Counts connections, so that what was begun on an older one is not gone on with. */
  #connection = 0;
  #disposed = false;

  constructor(options: ClientOptions) {
    const { storage = defaultStorage(), now = Date.now, random = Math.random } = options;
    const url = addressed(options.url);
    const fetch: Fetch = options.fetch ?? ((address, request) => globalThis.fetch(address, request));
    this.#now = now;
    this.#storage = storage;
    this.#random = random;
    this.#windowSize = options.windowSize ?? 300;
    this.#rest = new Rest({ url, fetch });
    this.#session = new Session({ rest: this.#rest, storage, now, lost: () => this.#lost('session_ended') });
    this.#WebSocket = () => options.WebSocket ?? globalWebSocket();
    this.#line = new Line(
      {
        url,
        session: this.#session,
        WebSocket: this.#WebSocket,
        position: () => positionOf(this.#state),
        now,
        random,
      },
      {
        changed: (line, retryAt, ended) => this.#lineChanged(line, retryAt, ended),
        authenticated: (data, sent) => this.#authenticated(data, sent),
        event: (frame) => this.#hear(frame),
        cut: () => this.#cut(),
        ended: (code) => this.#ended(code),
        wire: (frame) => this.#listeners.emit('frame', frame),
      },
    );
    const pageSize = options.pageSize ?? 50;
    const within: Within = {
      state: () => this.#state,
      dispatch: (input: Input) => this.#dispatch(input),
      ask: (type, data) => this.#ask(type, data),
      command: (type, data) => this.command(type, data),
      take: (type, data, into) => this.#take(type, data, into),
      withToken: (use) => this.#session.withToken(use),
      join: (part) => void this.#parts.push(part),
      pageSize,
      url,
      random,
      transfer: options.transfer ?? null,
    };
    this.within = within;
    this.#readings = new Readings(within, pageSize);
    this.#seeking = new Seeking({
      ...within,
      connection: () => this.#connection,
      reread: (conversation) => this.#readings.reread(conversation),
      random,
    });
    const command: OnSocket = (type, data) => this.#onSocket(type, data);
    this.#profiles = new Profiles(within);
    this.#notifier = new Notifier({
      storage,
      state: within.state,
      due: () => this.#dispatch({ type: 'tell', now: now() }),
      tell: (notice) => this.#listeners.emit('notify', notice),
    });
    this.#markers = new OwnMarkers({ ...within, command });
    this.#typing = new OwnTyping({ ...within, now, command });
    this.#typists = new OthersTyping({ ...within, now });
    this.#presence = new OwnPresence({
      ...within,
      now,
      onSocket: command,
      set: (presence) => this.#setPresence(presence),
    });
    this.#outbox = new Outbox({
      storage,
      now,
      random,
      send: (pending) => this.#onSocket('message.send', sendOf(pending, knowsThreads(this.#state))),
      changed: (pending) => this.#dispatch({ type: 'pending', pending }),
    });
    this.#whose = this.#session.user;
    this.#outbox.open(this.#whose);
  }

  // State --------------------------------------------------------------------------------------------

  /** Everything that is known; a new object after every change. */
  get state(): State {
    return this.#state;
  }

  /** Calls back after changes, once for all that come together. Returns a function that unsubscribes. */
  subscribe(listener: Listener): () => void {
    return this.#listeners.subscribe(listener);
  }

  /** Calls back when something happens. Returns a function that unsubscribes. */
  on<T extends keyof ClientEvents>(type: T, listener: Heard<T>): () => void {
    return this.#listeners.on(type, listener);
  }

  /** The part of the client that a follower uses. */
  protected inside(): Inside {
    return {
      storage: this.#storage,
      random: this.#random,
      command: (type, data) => this.#onSocket(type, data),
      me: () => this.#state.me?.id ?? null,
      attach: (follower) => void this.#followers.add(follower),
      ended: (follower) => void this.#followers.delete(follower),
    };
  }

  #endFollowing(error: Error | null): void {
    for (const follower of [...this.#followers]) follower.end(error);
  }

  // Getting in ---------------------------------------------------------------------------------------

  /** Whether there are tokens in storage. */
  get signedIn(): boolean {
    return this.#session.signedIn;
  }

  /** Asks the server about itself. */
  server(): Promise<Server> {
    return this.#rest.command('server.get', {}, null);
  }

  /** Opens an account and logs in. */
  async register(data: AccountRegisterData): Promise<Account> {
    return this.#entered(await this.#session.register(data));
  }

  async logIn(data: SessionCreateData): Promise<Account> {
    return this.#entered(await this.#session.logIn(data));
  }

  /**
   * Forgets at once everything that was kept of the session, then logs out on the server. With `keepOutbox`, messages
   * that wait to be sent stay in storage until the same person logs in again; without it they are thrown away.
   */
  async logOut(options: { readonly keepOutbox?: boolean } = {}): Promise<void> {
    this.#line.disconnect();
    if (!options.keepOutbox) this.#outbox.clear();
    void this.#session.logOut();
    this.#forget();
    this.#listeners.emit('signedOut', undefined);
  }

  #entered(account: Account): Account {
    if (this.#whose !== null && this.#whose !== account.id) {
      // The line, too, is the other person's.
      this.#line.disconnect();
      this.#forget();
    }
    this.#whose = account.id;
    this.#outbox.open(account.id);
    this.#dispatch({ type: 'account', account });
    return account;
  }

  /** The session is not ours any more, whoever said so. */
  #lost(code: string): void {
    if (this.#state.line !== 'idle') this.#line.end(code);
    this.#forget();
    this.#listeners.emit('signedOut', undefined);
  }

  #forget(): void {
    this.#endFollowing(signedOut());
    this.#whose = this.#session.user;
    this.#readings.forget();
    for (const part of this.#parts) part.forget();
    this.#markers.forget();
    this.#typing.forget();
    this.#profiles.forget();
    this.#notifier.stop();
    this.#presence.forget();
    this.#typists.stop();
    this.#dispatch({ type: 'forgotten' });
    this.#outbox.open(this.#whose);
  }

  // The line -----------------------------------------------------------------------------------------

  /** Opens the line and keeps it open. */
  connect(): void {
    if (this.#disposed) throw new Error('This client was disposed of: make a new one.');
    if (!this.signedIn) throw signedOut();
    // Missing, it is missed here and not somewhere later.
    this.#WebSocket();
    this.#line.connect();
  }

  /** Closes the line and listens to other tabs no longer: the client is not used any more. */
  dispose(): void {
    this.#disposed = true;
    this.#endFollowing(null);
    this.#line.disconnect();
    this.#session.close();
    this.#outbox.close();
    this.#notifier.stop();
    this.#typists.stop();
    this.#listeners.clear();
  }

  /** Waits until the list of conversations has been read. Throws a `Refusal` if the line is over before that. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = ({ ready, line, ended }: State) => {
        if (!ready && line !== 'over') return;
        stop();
        if (ready) resolve();
        else reject(over(ended ?? 'closed'));
      };
      const stop = this.subscribe(look);
      look(this.#state);
    });
  }

  /** Closes the line; what is known stays. */
  disconnect(): void {
    this.#line.disconnect();
  }

  /** Tries at once if the line waits; makes sure of it if it is open. */
  reconnectNow(): void {
    this.#line.retryNow();
  }

  /** Gives a command: on the socket if there is one, else over REST. Throws a `Refusal`. */
  command<T extends CommandType>(type: T, data: DataOf<T>): Promise<AnswerOf<T>> {
    return (
      this.#onSocket(type, data) ?? this.#session.withToken((token) => this.#rest.command(type, data, token))
    );
  }

  /** Gives a command and takes its answer into the state, unless somebody else is here by then. */
  async #take<T extends CommandType>(
    type: T,
    data: DataOf<T>,
    into: (answer: AnswerOf<T>) => Input,
  ): Promise<AnswerOf<T>> {
    const { era } = this.#session;
    const answer = await this.command(type, data);
    if (era === this.#session.era) this.#dispatch(into(answer));
    return answer;
  }

  #onSocket<T extends CommandType>(type: T, data: DataOf<T>): Promise<AnswerOf<T>> | null {
    return this.#line.socket?.command(type, data) ?? null;
  }

  /** Like `command`, but tries again while that may help and the line is wanted. Refused once somebody else is here. */
  async #ask<T extends CommandType>(type: T, data: DataOf<T>): Promise<AnswerOf<T>> {
    const { era } = this.#session;
    for (;;) {
      const answer = await this.#try(type, data);
      if (era !== this.#session.era) throw signedOut();
      if (!(answer instanceof Refusal)) return answer;
      if (this.#state.line === 'idle' || this.#state.line === 'over') throw answer;
    }
  }

  /** Gives a command; returns a refusal that passes after waiting for that. */
  async #try<T extends CommandType>(type: T, data: DataOf<T>): Promise<AnswerOf<T> | Refusal> {
    try {
      return await this.command(type, data);
    } catch (error) {
      if (!(error instanceof Refusal) || !error.passing) throw error;
      await pause(Math.max(AGAIN_MS, error.retryAfterMs ?? 0) * (1 + this.#random() / 2));
      return error;
    }
  }

  #lineChanged(line: LineState, retryAt: number | null, ended: string | null): void {
    this.#dispatch({ type: 'line', line, retryAt, ended });
    if (line === 'online') this.#online();
    if (line === 'over') this.#endFollowing(over(ended ?? 'closed'));
  }

  #ended(code: string): void {
    if (!ENDED.has(code) || !this.signedIn) return;
    this.#session.forget();
    this.#lost(code);
  }

  #authenticated(data: Authenticated, sent: Position): void {
    this.#connection += 1;
    this.#whose = data.user.id;
    this.#outbox.open(data.user.id);
    this.#dispatch({ type: 'authenticated', data, sent });
    const heads = greeted(data);
    for (const follower of this.#followers) follower.authenticated(data.user.id, heads);
  }

  #online(): void {
    this.#outbox.pump();
    this.#typing.forget();
    this.#markers.resume();
    this.#profiles.resume();
    this.#presence.resume();
    void this.#list()
      .then(() => Promise.all([this.#readings, ...this.#parts].map((part) => part.resume())))
      .catch(ignore);
  }

  #cut(): void {
    this.#dispatch({ type: 'cut' });
  }

  /**
   * Reads the whole list of conversations, after every coming back: with it, what has no numbered events is fresh (one's
   * own read markers and the counts that depend on them, presence), which neither scope's cursor can bring.
   */
  async #list(): Promise<void> {
    const connection = this.#connection;
    const ids = new Set<number>();
    const limit = Math.min(LIST_PAGE, this.#state.limits?.list_page ?? LIST_PAGE);
    let cursor: string | null = null;
    do {
      const page: AnswerOf<'conversation.list'> = await this.#ask('conversation.list', { limit, cursor });
      if (connection !== this.#connection) return;
      this.#dispatch({ type: 'rows', rows: page.conversations, shown: true });
      for (const { id } of page.conversations) ids.add(id);
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
    this.#dispatch({ type: 'listed', ids });
  }

  #hear(frame: EventFrame): void {
    this.#dispatch({ type: 'frame', frame, now: this.#now() });
    for (const follower of this.#followers) follower.hear(frame);
    if (frame.type === 'typing.started' || frame.type === 'thread.typing') this.#typists.watch();
    if (frame.type === 'conversation.removed') {
      this.#readings.closed(frame.conversation);
      for (const part of this.#parts) part.closed(frame.conversation);
    }
    // Of people with whom one shared no conversation before, changes were not told.
    if (frame.type === 'conversation.added') this.#profiles.doubt();
    if (frame.type === 'member.joined') this.#profiles.doubt([frame.data.member.user.id]);
    if (frame.type === 'conversation.changes')
      this.#profiles.doubt(frame.data.members.map(({ user }) => user.id));
  }

  // Reducing -----------------------------------------------------------------------------------------

  #dispatch(input: Input): void {
    const before = this.#state;
    const reduced = reduce(before, input, { windowSize: this.#windowSize });
    this.#state = reduced.state;
    if (reduced.state !== before) this.#listeners.schedule();
    this.#follow(reduced);
    this.#notifier.changed();
    if (reduced.state.outbox === before.outbox || input.type === 'forgotten') return;
    this.#settle(input.type === 'pending' ? input.pending : [...before.outbox.values()].flat());
  }

  #follow({ state, wants, news, notices = [] }: Reduced): void {
    for (const want of wants) {
      if (want.type === 'reconnect') this.#line.restart();
      else void this.#seeking.seek(want);
    }
    for (const message of news)
      if (message.author.id !== state.me?.id) this.#listeners.emit('message', message);
    if (notices.length > 0) void this.#notifier.take(notices);
  }

  /** A message that was pending and is no longer in the state has arrived. */
  #settle(pending: readonly Pending[]): void {
    const left = new Set([...this.#state.outbox.values()].flat().map((it) => it.clientId));
    const arrived = pending.map((it) => it.clientId).filter((clientId) => !left.has(clientId));
    if (arrived.length > 0) this.#outbox.settle(new Set(arrived));
  }

  // Talking ------------------------------------------------------------------------------------------

  /**
   * Puts a message into the outbox, which sends it as soon as there is a line; returns its client id.
   *
   * With a `clientId` of one's own (1 to 64 printable characters of ASCII) the same message is never sent twice, whenever
   * it is given again: a bot takes one that follows from what it answers.
   */
  send(conversation: number, text: string, options: SendOptions = {}): string {
    if (!this.signedIn) throw signedOut();
    this.#typing.sent(conversation, options.thread ?? null);
    return this.#outbox.add(conversation, text, options);
  }

  /**
   * Lets this browser show files by their addresses (`filePath`), for as long as the session lasts. Servers before
   * feature level 7 know none.
   */
  async readsFiles(): Promise<void> {
    await this.#session.withToken((token) => this.#rest.filesCookie(token));
  }

  /**
   * Waits until a message of the outbox has become one of the conversation; throws why it was refused.
   *
   * If it leaves the outbox otherwise, nobody knows whether it arrives, and a `Refusal` with the code `network` is
   * thrown: after `discard`, `logOut` and `dispose`, when the session is over, and when another tab has taken it out.
   */
  delivered(clientId: string): Promise<void> {
    return this.#outbox.delivered(clientId);
  }

  /** Tries a failed message again. */
  retry(clientId: string): void {
    this.#outbox.retry(clientId);
  }

  /** Takes a message out of the outbox, unless it is just being sent. */
  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  /**
   * Loads a conversation's timeline (the newest, or around a message), and the members and markers of one that has no
   * more members than `limits.presence_members`.
   */
  open(conversation: number, options: { readonly around?: number } = {}): Promise<void> {
    return this.#readings.open(conversation, options.around ?? null);
  }

  /** Forgets the timeline; the conversation stays. */
  close(conversation: number): void {
    this.#readings.close(conversation);
  }

  loadBefore(conversation: number): Promise<void> {
    return this.#readings.load(conversation, 'before');
  }

  loadAfter(conversation: number): Promise<void> {
    return this.#readings.load(conversation, 'after');
  }

  jumpToLatest(conversation: number): Promise<void> {
    return this.#readings.load(conversation, 'newest');
  }

  /** Everything up to here was read. */
  markRead(conversation: number, seq: number): void {
    this.#markers.read(conversation, seq);
  }

  /**
   * Says that one is writing, or no longer: in the room, or in the thread about the message with this `seq`, of which
   * servers before feature level 8 are not told.
   */
  typing(conversation: number, typing: boolean, thread: number | null = null): void {
    this.#typing.set(conversation, typing, thread);
  }

  /**
   * The person does something here. Whoever calls this now and then is shown as away once they have done nothing for
   * a while on any of their devices.
   */
  active(): void {
    this.#presence.active();
  }

  /** Says how one wants to be shown; said again after every coming back. */
  setPresence(presence: Presence): Promise<void> {
    return this.#presence.set(presence);
  }

  /** Says it; whether the same person is still here when the server has heard. */
  async #setPresence(presence: Presence): Promise<boolean> {
    const { era } = this.#session;
    await this.command('presence.set', { presence });
    return era === this.#session.era;
  }

  /** Loads the profiles of these people, if they are not known. */
  loadPeople(ids: Iterable<number>): void {
    this.#profiles.load(ids);
  }

  /** The display name, else first and last name, else the username. */
  shownName(person: Person): string {
    return shownName(this.#state.people, person);
  }
}

function globalWebSocket(): WebSocketConstructor {
  const found = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found) return found;
  throw new Error(
    'There is no WebSocket here: give one as the option `WebSocket` (in Node 20, that of `ws`).',
  );
}

/** Where everything stands by the greeting. */
function greeted({ epoch, account_seq, conversations }: Authenticated): Heads {
  // Servers before feature level 5 leave the account's number out.
  const accountSeq = (account_seq as number | undefined) ?? null;
  return { epoch, accountSeq, conversations: conversations.map(({ id, head }) => ({ id, head, now: head })) };
}

/** The line is over, and nothing more comes on it. */
function over(code: string): Refusal {
  const detail = `The line is over: ${code}.`;
  return new Refusal({ code: ENDED.has(code) ? 'unauthenticated' : 'network', detail });
}

function ignore(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
