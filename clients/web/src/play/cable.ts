// The cable between a person and the server. When it is cut, nothing goes through: sockets die without a close frame,
// and calls fail as they do without a network.
import type { WebSocketConstructor, WebSocketLike } from '@palabre/sdk';

/** A connection that ended without a reason. */
const ABNORMAL = 1006;
const OPEN = 1;
const CLOSED = 3;

type Handler = ((event: never) => unknown) | null;

export class Cable {
  #whole = true;
  #breaking = new AbortController();
  readonly #wires = new Set<Wire>();

  /** The same as the browser's, as long as the cable is whole. */
  readonly WebSocket: WebSocketConstructor;

  constructor() {
    // The SDK says `new` to it: whatever a constructor returns is what has been made.
    const plug = (url: string, protocols?: string | string[]) => this.#plug(url, protocols);
    this.WebSocket = function (url: string, protocols?: string | string[]) {
      return plug(url, protocols);
    } as unknown as WebSocketConstructor;
  }

  /** The same as the browser's, as long as the cable is whole. */
  readonly fetch: typeof fetch = (input, init) => {
    if (!this.#whole) return Promise.reject(new TypeError('The cable is cut.'));
    const signals = [this.#breaking.signal, ...(init?.signal ? [init.signal] : [])];
    return fetch(input, { ...init, signal: AbortSignal.any(signals) });
  };

  /** Cuts it: whatever is under way breaks off. */
  cut(): void {
    this.#whole = false;
    this.#breaking.abort(new TypeError('The cable was cut.'));
    for (const wire of this.#wires) wire.break();
    this.#wires.clear();
  }

  /** Connects the cable again; broken sockets stay broken. */
  mend(): void {
    this.#whole = true;
    this.#breaking = new AbortController();
  }

  #plug(url: string, protocols: string | string[] | undefined): WebSocketLike {
    if (!this.#whole) return new Wire(null);
    const wire = new Wire(new WebSocket(url, protocols));
    for (const old of this.#wires) if (old.readyState === CLOSED) this.#wires.delete(old);
    this.#wires.add(wire);
    return wire;
  }
}

/** A socket that can break; without a real one behind it, it breaks at once. */
class Wire implements WebSocketLike {
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  #real: WebSocket | null;

  constructor(real: WebSocket | null) {
    this.#real = real;
    if (!real) {
      setTimeout(() => this.#closed());
      return;
    }
    real.onopen = (event) => this.onopen?.(event as never);
    real.onmessage = (event) => this.onmessage?.(event as never);
    real.onerror = (event) => this.onerror?.(event as never);
    real.onclose = (event) => this.onclose?.(event as never);
  }

  get readyState(): number {
    return this.#real?.readyState ?? CLOSED;
  }

  send(text: string): void {
    if (this.readyState !== OPEN) throw new Error('The cable is cut.');
    this.#real?.send(text);
  }

  close(code?: number, reason?: string): void {
    this.#real?.close(code, reason);
  }

  /** Nothing more comes or goes; the page sees an end without a reason. */
  break(): void {
    const real = this.#real;
    if (!real) return;
    this.#real = null;
    real.onopen = real.onmessage = real.onerror = real.onclose = null;
    real.close();
    this.#closed();
  }

  #closed(): void {
    this.onclose?.({ code: ABNORMAL, reason: '' } as never);
  }
}
