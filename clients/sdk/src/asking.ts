// The parts of a client share the state, the way to change it, and the way to ask the server.
import type { Input, State } from './state/index.js';
import type { Transfer } from './uploads.js';
import type { AnswerOf, CommandType, DataOf } from './wire.js';

export interface Asking {
  readonly state: () => State;
  readonly dispatch: (input: Input) => void;
  /** Asks, and tries again while that may help. */
  readonly ask: <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>>;
}

/** The part of a client that the functions of the nouns use. */
export interface Within extends Asking {
  /** Gives a command once. */
  readonly command: <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>>;
  /** Gives a command and takes its answer into the state, unless somebody else is here by then. */
  readonly take: <T extends CommandType>(
    type: T,
    data: DataOf<T>,
    into: (answer: AnswerOf<T>) => Input,
  ) => Promise<AnswerOf<T>>;
  readonly withToken: <T>(use: (token: string) => Promise<T>) => Promise<T>;
  /** From here on the part is told what happens to the client. */
  readonly join: (part: Part) => void;
  /** Messages that are read at once. */
  readonly pageSize: number;
  readonly url: string;
  readonly random: () => number;
  /** How a file's bytes are sent; `null` for the usual way. */
  readonly transfer: Transfer | null;
}

/** A part of a client with something of its own to remember. */
export interface Part {
  /** Somebody else is here, or nobody. */
  forget(): void;
  /** The line is open again. */
  resume(): Promise<void>;
  /** The conversation is gone. */
  closed(conversation: number): void;
}

/** Gives a command on the socket; `null` if there is none. */
export type OnSocket = <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>> | null;
