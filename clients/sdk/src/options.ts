// The options of a client, and its events.
import type { Fetch } from './rest.js';
import type { WebSocketConstructor, WireFrame } from './socket.js';
import type { Notice } from './state/notices.js';
import type { KeyValue } from './storage.js';
import type { Transfer } from './uploads.js';
import type { File, Message } from './wire.js';

export interface ClientOptions {
  /** The server's address, such as `https://chat.example.org`. */
  readonly url: string;
  /** Where tokens and unsent messages are kept; the browser's `localStorage` if there is one. */
  readonly storage?: KeyValue;
  readonly fetch?: Fetch;
  /** How a file's bytes are sent; by `XMLHttpRequest`, or `fetch` where there is none, if absent. */
  readonly transfer?: Transfer;
  /** Needed where there is no global one, as in Node 20. */
  readonly WebSocket?: WebSocketConstructor;
  readonly random?: () => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Messages that a timeline holds at most; 300 if absent. */
  readonly windowSize?: number;
  /** Messages that are read at once; 50 if absent. */
  readonly pageSize?: number;
}

export interface SendOptions {
  /** The `seq` of the message that it answers. */
  readonly parent?: number;
  /** Uploaded files that it carries; its text may then be empty. */
  readonly files?: readonly File[];
  /** The `seq` of the message in whose thread it is to stand; in the room if absent. */
  readonly thread?: number;
  /** Whether a reply in a thread is to stand in the room as well. */
  readonly alsoInRoom?: boolean;
  /** Its name for ever; a new one if absent. */
  readonly clientId?: string;
  /** Confirms that it may reach so many people; the command `message.reach` says how many it reaches. */
  readonly reach?: number;
}

/** The events that `on` subscribes to. */
export interface ClientEvents {
  /** A frame of the wire, without its secrets. */
  frame: WireFrame;
  /**
   * Somebody else's message, at the moment when it comes, for what is about that moment. It is told once, and only while
   * the line is open: what was said during a cut, a restart or a reset is not told. A program that must miss nothing
   * reads the `messages` of a `Bot` instead; a person is told by `notify`.
   */
  message: Message;
  /**
   * Unread messages of others that the person is to be told of, each once on this device: whether they came live or
   * during a cut, in one of the tabs that share the storage, and not if they are read elsewhere within about a second.
   * What was there before the client had read its first list is not told.
   */
  notify: Notice;
  /** The session is over: logged out here or elsewhere, or ended by the server. */
  signedOut: undefined;
}

/** A server's address, if it is one; else an error that says what it must be. */
export function addressed(url: string): string {
  if (/^https?:\/\/[^/]/.test(url)) return url;
  throw new TypeError(
    `The option \`url\` must be an address with http or https, such as https://chat.example.org; it is ${JSON.stringify(url)}.`,
  );
}
