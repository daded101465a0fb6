// People with clients, and waiting for what they see.
import { WebSocket } from 'ws';
import {
  Client,
  memoryStorage,
  type ClientOptions,
  type KeyValue,
  type State,
  type WebSocketConstructor,
} from '../../src/index.js';

export const PASSWORD = 'correct horse battery';

/** The sockets that a person's client has opened, so that a test can cut them. */
export interface Wire {
  readonly WebSocket: WebSocketConstructor;
  /** Breaks the connection without a close frame. */
  cut(): void;
  /** Nothing comes through any more, in either direction, and neither side knows. */
  mute(): void;
  /** While false, no connection comes about. */
  up: boolean;
}

export function wire(): Wire {
  const open = new Set<WebSocket>();
  const made: Wire = {
    up: true,
    cut: () => {
      for (const socket of open) socket.terminate();
      open.clear();
    },
    mute: () => {
      for (const socket of open) {
        socket.pause();
        socket.send = () => undefined;
        socket.close = () => socket.terminate();
      }
    },
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(made.up ? url : 'ws://127.0.0.1:1', protocols);
        open.add(this);
      }
    } as unknown as WebSocketConstructor,
  };
  return made;
}

export interface Somebody {
  readonly client: Client;
  readonly storage: KeyValue;
  readonly wire: Wire;
  readonly id: number;
  readonly name: string;
}

export function clientFor(url: string, options: Partial<ClientOptions> = {}): Client {
  return new Client({ url, WebSocket: wire().WebSocket, storage: memoryStorage(), ...options });
}

/** Opens an account; the client is connected and has read its list. */
export async function join(
  url: string,
  name: string,
  options: Partial<ClientOptions> = {},
): Promise<Somebody> {
  const storage = options.storage ?? memoryStorage();
  const line = wire();
  const client = new Client({ url, storage, WebSocket: line.WebSocket, ...options });
  const { id } = await client.register({ username: name, password: PASSWORD });
  client.connect();
  await until(client, (state) => state.ready, `${name} is ready`);
  return { client, storage, wire: line, id, name };
}

/** Waits until the state is so. */
export function until(
  client: Client,
  so: (state: State) => boolean,
  what: string,
  ms = 10_000,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (so(client.state)) return resolve();
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`in ${ms} ms it has not come about that ${what}`));
    }, ms);
    const stop = client.subscribe((state) => {
      if (!so(state)) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
  });
}

/** The texts that a client shows in a conversation. */
export function texts(client: Client, conversation: number): (string | null)[] {
  return client.state.conversations.get(conversation)?.timeline?.messages.map((it) => it.text) ?? [];
}

/** Chance that can be had again: mulberry32. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
