// Keeps a socket alive: comes back after every end that allows it, at once when somebody asks.
import { Backoff } from './backoff.js';
import { Refusal } from './problem.js';
import type { Session } from './session.js';
import { Socket, type CloseReason, type WebSocketConstructor, type WireFrame } from './socket.js';
import type { LineState, Position } from './state/index.js';
import type { Authenticated, EventFrame } from './wire.js';

export interface LineListener {
  changed(line: LineState, retryAt: number | null, ended: string | null): void;
  authenticated(data: Authenticated, sent: Position): void;
  event(frame: EventFrame): void;
  /** The socket is gone; answers that were under way will not come. */
  cut(): void;
  /** It has ended by itself, for a reason that does not pass. */
  ended(code: string): void;
  wire(frame: WireFrame): void;
}

export interface LineOptions {
  readonly url: string;
  readonly session: Session;
  readonly WebSocket: () => WebSocketConstructor;
  readonly position: () => Position;
  readonly now: () => number;
  readonly random: () => number;
}

/** A refused token is traded for another this many times in a row, before the refusal is believed. */
const TRADES = 2;
/** A connection that has lasted so long was a good one, in milliseconds. */
const GOOD_MS = 3_000;

export class Line {
  readonly #options: LineOptions;
  readonly #listener: LineListener;
  readonly #backoff: Backoff;
  #socket: Socket | null = null;
  #token = '';
  #wanted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #trades = 0;
  /** When the server let us in on this connection. */
  #enteredAt: number | null = null;
  /** Counts tries, so that the end of an older one is not taken for that of this one. */
  #attempt = 0;

  constructor(options: LineOptions, listener: LineListener) {
    this.#options = options;
    this.#listener = listener;
    this.#backoff = new Backoff({ random: options.random });
  }

  /** The socket, while commands can be given on it. */
  get socket(): Socket | null {
    return this.#socket?.open ? this.#socket : null;
  }

  connect(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#trades = 0;
    this.#backoff.reset();
    globalThis.addEventListener?.('online', this.#look);
    globalThis.addEventListener?.('offline', this.#look);
    void this.#try();
  }

  disconnect(): void {
    this.#stop();
    this.#listener.changed('idle', null, null);
  }

  /** Comes back at once if it waits; looks whether it is alive if it seems to be. */
  retryNow(): void {
    if (!this.#wanted) return;
    if (this.socket) this.socket.probe();
    else if (!this.#socket && this.#timer !== undefined) void this.#try();
  }

  /** Ends the connection and opens another one at once. */
  restart(): void {
    if (!this.#wanted || !this.#socket) return;
    this.#socket.close();
    this.#socket = null;
    this.#listener.cut();
    void this.#try();
  }

  readonly #look = () => this.retryNow();

  #stop(): void {
    this.#wanted = false;
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    globalThis.removeEventListener?.('online', this.#look);
    globalThis.removeEventListener?.('offline', this.#look);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (socket) this.#listener.cut();
  }

  async #try(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const attempt = (this.#attempt += 1);
    this.#listener.changed('connecting', null, null);
    try {
      const token = await this.#options.session.token();
      if (attempt === this.#attempt) this.#open(token);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const refusal = error instanceof Refusal ? error : null;
      if (refusal && !refusal.passing) this.#final(refusal.code);
      else if (refusal) this.#wait(refusal.retryAfterMs ?? 0);
      else {
        this.#final('failed');
        throw error;
      }
    }
  }

  #open(token: string): void {
    const { url, now, position } = this.#options;
    const WebSocket = this.#options.WebSocket();
    this.#token = token;
    const socket: Socket = new Socket(
      { url, WebSocket, token, position, now },
      {
        authenticated: (data, sent) => {
          this.#enteredAt = now();
          this.#trades = 0;
          this.#listener.authenticated(data, sent);
          this.#listener.changed('online', null, null);
        },
        event: (frame) => this.#listener.event(frame),
        wire: (frame) => this.#listener.wire(frame),
        closed: (reason) => {
          if (this.#socket === socket) void this.#closed(reason);
        },
      },
    );
    this.#socket = socket;
  }

  async #closed(reason: CloseReason): Promise<void> {
    this.#socket = null;
    // A server that lets everybody in and falls at once must not be run down by those who come back.
    if (this.#enteredAt !== null && this.#options.now() - this.#enteredAt >= GOOD_MS) this.#backoff.reset();
    this.#enteredAt = null;
    this.#listener.cut();
    if (reason.retry) return this.#wait(reason.retryAfterMs);
    if (reason.code !== 'unauthenticated' || this.#trades >= TRADES) return this.#final(reason.code);
    const attempt = this.#attempt;
    const refusal = await this.#options.session.renewed(this.#token).then(() => null, passing);
    if (attempt !== this.#attempt) return;
    // A refusal by a proxy says nothing about the token.
    if (refusal) return this.#wait(refusal.retryAfterMs ?? 0);
    this.#trades += 1;
    await this.#try();
  }

  #wait(atLeast: number): void {
    if (!this.#wanted) return;
    const delay = this.#backoff.next(atLeast);
    this.#listener.changed('waiting', this.#options.now() + delay, null);
    this.#timer = setTimeout(() => void this.#try(), delay);
  }

  #final(code: string): void {
    this.end(code);
    this.#listener.ended(code);
  }

  /** Ends it for a reason: it does not come back by itself. */
  end(code: string): void {
    this.#stop();
    this.#listener.changed('over', null, code);
  }
}

/** A refusal that passes; the next try will show the others. */
function passing(error: unknown): Refusal | null {
  if (!(error instanceof Refusal)) throw error;
  return error.passing ? error : null;
}
