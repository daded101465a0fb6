// One WebSocket, from the handshake to its end: commands with their answers, and events.
import { Refusal, refusalIn, unanswered } from './problem.js';
import type { Cursors, Position } from './state/index.js';
import type { AnswerOf, Authenticated, CommandType, DataOf, EventFrame } from './wire.js';

/** The part of a WebSocket that the SDK needs; the browser's and that of `ws` have it. */
export interface WebSocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** Why a connection ended, and whether to come back. */
export interface CloseReason {
  readonly code: string;
  readonly retry: boolean;
  readonly retryAfterMs: number;
}

/** A line of the wire, for whoever wants to look at it. */
export interface WireFrame {
  readonly direction: 'in' | 'out';
  readonly text: string;
  readonly at: number;
}

export interface SocketListener {
  authenticated(data: Authenticated, sent: Position): void;
  event(frame: EventFrame): void;
  closed(reason: CloseReason): void;
  wire(frame: WireFrame): void;
}

export interface SocketOptions {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly token: string;
  /** Asked when it is their turn to be said. */
  readonly position: () => Position;
  readonly now: () => number;
}

interface Waiting {
  readonly resolve: (data: unknown) => void;
  readonly reject: (refusal: Refusal) => void;
}

/** From the handshake to the answer to `authenticate`. */
const GREETING_MS = 15_000;
/** How long somebody who looks after the line waits for a sign of life. */
const PROBE_MS = 5_000;
/** A line on which nothing at all comes for so long after a command was given is broken, though nobody has said so. */
const ANSWER_MS = 10_000;
const NORMAL = 1000;
/** The protocol that this was written for: the server tells it what it tells clients from this feature level on. */
const FEATURE_LEVEL = 7;
/** The first feature level of a server that asks for it. */
const ASKS_FOR_LEVEL = 7;
/** The `readyState` of a socket on which one can speak. */
const OPEN = 1;
/** Bytes of a frame, until the server has said how many it takes. */
const FRAME_BYTES = 65_536;
/** Bytes of the greeting beside its token and its cursors, at most. */
const GREETING_BYTES = 200;

export class Socket {
  readonly #options: SocketOptions;
  readonly #listener: SocketListener;
  readonly #socket: WebSocketLike;
  readonly #waiting = new Map<string, Waiting>();
  #sent: Position = nowhere;
  #commands = 0;
  #frameBytes = FRAME_BYTES;
  #authenticated = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt: number;
  #frames = 0;
  #expecting: ReturnType<typeof setTimeout> | undefined;
  #pingedAt: number | null = null;
  #silence = Infinity;

  constructor(options: SocketOptions, listener: SocketListener) {
    this.#options = options;
    this.#listener = listener;
    this.#heardAt = options.now();
    this.#socket = new options.WebSocket(socketUrl(options.url), ['palabre.v1']);
    this.#socket.onopen = () => this.#greet(options.position());
    this.#socket.onmessage = (event: { readonly data: unknown }) => this.#hear(String(event.data));
    this.#socket.onclose = (event: { readonly code: number; readonly reason: string }) =>
      this.#end(closeReason(event.code, event.reason));
    this.#socket.onerror = () => undefined;
    this.#timer = setTimeout(() => this.#end(broken), GREETING_MS);
  }

  /** Whether commands can be given. */
  get open(): boolean {
    return this.#authenticated && !this.#over && this.#socket.readyState === OPEN;
  }

  /**
   * Gives a command; refused with `network` if the connection ends before the answer.
   *
   * A frame that is too large is refused here: the server could not tell which command to answer.
   */
  command<T extends CommandType>(type: T, data: DataOf<T>): Promise<AnswerOf<T>> {
    if (this.#over) return Promise.reject(unanswered('The connection has ended.'));
    const id = `c${(this.#commands += 1)}`;
    const text = JSON.stringify({ id, type, data });
    const bytes = bytesOf(text);
    if (bytes > this.#frameBytes) return Promise.reject(tooLarge(bytes, this.#frameBytes));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as AnswerOf<T>), reject });
      this.#send(text);
      this.#expect();
    });
  }

  /** While answers are wanted, something must come. */
  #expect(): void {
    if (this.#over || !this.#authenticated) return;
    const frames = this.#frames;
    this.#expecting ??= setTimeout(() => {
      this.#expecting = undefined;
      if (this.#waiting.size === 0) return;
      if (this.#frames === frames) this.#end(broken);
      else this.#expect();
    }, ANSWER_MS);
  }

  /** Closes it; its listener hears nothing more of it. */
  close(): void {
    this.#end(null);
  }

  /** Asks for a sign of life; without one the connection is given up soon. */
  probe(): void {
    if (!this.open || this.#pingedAt !== null) return;
    this.#ping(PROBE_MS);
  }

  #send(text: string): void {
    // It is closing: a frame would be lost, and the browser would complain. The end of the socket follows soon.
    if (this.#socket.readyState !== OPEN) return;
    this.#listener.wire({ direction: 'out', text: withoutSecrets(text), at: this.#options.now() });
    try {
      this.#socket.send(text);
    } catch {
      this.#end(broken);
    }
  }

  #greet(from: Position): void {
    const { token } = this.#options;
    const { epoch, accountSeq, serverLevel } = from;
    // Of a server that has not said yet what it knows it is tried.
    const saysLevel = serverLevel === 0 || serverLevel >= ASKS_FOR_LEVEL;
    const room = this.#frameBytes - GREETING_BYTES - bytesOf(token);
    const cursors = fitting(from.cursors, room);
    this.#sent = { ...from, cursors };
    const words = {
      ...(epoch !== null && { epoch }),
      ...(accountSeq !== null && { account_seq: accountSeq }),
      ...(saysLevel && { feature_level: FEATURE_LEVEL }),
    };
    this.command('authenticate', { token, cursors, ...words }).then(
      () => this.#welcome(),
      (refusal: Refusal) => {
        // A server before feature level 7, 5 or 4 does not know the word; it may stand beside newer ones.
        if (refusal.code === 'invalid' && saysLevel)
          return this.#greet({ ...from, serverLevel: ASKS_FOR_LEVEL - 1 });
        if (refusal.code === 'invalid' && accountSeq !== null)
          return this.#greet({ ...from, accountSeq: null });
        if (refusal.code === 'invalid' && epoch !== null) return this.#greet({ ...from, epoch: null });
        if (refusal.passing && refusal.code !== 'network') {
          this.#end({ code: refusal.code, retry: true, retryAfterMs: refusal.retryAfterMs ?? 0 });
        }
      },
    );
  }

  #welcome(): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#keepAlive();
  }

  #hear(text: string): void {
    if (this.#over) return;
    this.#heardAt = this.#options.now();
    this.#frames += 1;
    this.#pingedAt = null;
    this.#listener.wire({ direction: 'in', text: withoutSecrets(text), at: this.#heardAt });
    const frame = parse(text);
    if (!frame) return;
    if ('re' in frame) this.#answer(frame);
    else if (typeof frame.type === 'string') this.#listener.event(frame as unknown as EventFrame);
  }

  #answer(frame: Readonly<Record<string, unknown>>): void {
    if (frame.type === 'authenticated') this.#begin(frame.data as Authenticated);
    const id = typeof frame.re === 'string' ? frame.re : '';
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (frame.type === 'error') waiting?.reject(refusalIn(frame.error));
    else waiting?.resolve(frame.data);
  }

  /** At once, not with the promise: the missed changes follow in the very next frames. */
  #begin(data: Authenticated): void {
    this.#authenticated = true;
    this.#silence = data.ping_seconds * 1000;
    this.#frameBytes = data.limits?.frame_bytes ?? FRAME_BYTES;
    this.#listener.authenticated(data, this.#sent);
  }

  // A browser does not show the server's pings. So a silent line is asked, and given up if it stays silent.

  #keepAlive(): void {
    if (this.#over) return;
    this.#timer = setTimeout(() => this.#look(), this.#silence);
  }

  #look(): void {
    const now = this.#options.now();
    // The clock was set back.
    if (now < this.#heardAt) this.#heardAt = now;
    if (this.#pingedAt === null && now - this.#heardAt >= this.#silence) return this.#ping(this.#silence);
    this.#keepAlive();
  }

  #ping(patience: number): void {
    clearTimeout(this.#timer);
    this.#pingedAt = this.#options.now();
    this.command('ping', {}).catch(() => undefined);
    this.#timer = setTimeout(() => {
      if (this.#pingedAt === null) this.#keepAlive();
      else this.#end(broken);
    }, patience);
  }

  #end(reason: CloseReason | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#expecting);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    try {
      this.#socket.close(NORMAL);
    } catch {
      // It was never open.
    }
    if (reason) this.#listener.closed(reason);
    for (const waiting of this.#waiting.values()) waiting.reject(unanswered('The connection ended.'));
    this.#waiting.clear();
  }
}

const nowhere: Position = { cursors: {}, epoch: null, accountSeq: null, serverLevel: 0 };

const broken: CloseReason = { code: 'broken', retry: true, retryAfterMs: 0 };

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function tooLarge(bytes: number, most: number): Refusal {
  const detail = `This would take ${bytes} bytes; at most ${most} can be sent at once.`;
  return new Refusal({ code: 'too_large', status: 413, title: 'The request is too large', detail });
}

/** As many cursors as there is room for; of the others' conversations, what was missed is asked for later. */
function fitting(cursors: Cursors, bytes: number): Cursors {
  let left = bytes;
  const taken = Object.entries(cursors).filter(([id, cursor]) => {
    left -= `"${id}":${cursor},`.length;
    return left >= 0;
  });
  return Object.fromEntries(taken);
}

function socketUrl(url: string): string {
  return `${url.replace(/\/+$/, '').replace(/^http/, 'ws')}/v1/ws`;
}

/** Reads a close code and its reason. 4500 to 4999 mean "do not come back, unless something changes". */
export function closeReason(code: number, reason: string): CloseReason {
  const said = parse(reason);
  const name = typeof said?.code === 'string' ? said.code : nameOf(code);
  const after = typeof said?.retry_after_ms === 'number' ? said.retry_after_ms : 0;
  const final = code >= 4500 && code <= 4999;
  return { code: name, retry: typeof said?.retry === 'boolean' ? said.retry : !final, retryAfterMs: after };
}

function nameOf(code: number): string {
  if (code === 1012) return 'restart';
  return code >= 4000 && code <= 4999 ? `closed_${code}` : 'broken';
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The text of a frame as it may be shown: never a token, never a password. */
function withoutSecrets(text: string): string {
  return text.replaceAll(
    /"(token|access_token|refresh_token|password|current|new)":"(?:[^"\\]|\\.)*"/g,
    (_all, field: string) => `"${field}":"…"`,
  );
}
