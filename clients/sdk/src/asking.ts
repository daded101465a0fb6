// The parts of a client share the state, the way to change it, and the way to ask the server.
import type { Input, State } from './state/index.js';
import type { AnswerOf, CommandType, DataOf } from './wire.js';

export interface Asking {
  readonly state: () => State;
  readonly dispatch: (input: Input) => void;
  /** Asks, and tries again while that may help. */
  readonly ask: <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>>;
}

/** Gives a command on the socket; `null` if there is none. */
export type OnSocket = <T extends CommandType>(type: T, data: DataOf<T>) => Promise<AnswerOf<T>> | null;
