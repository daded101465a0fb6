import type { Message, Person } from '@palabre/sdk';

/** The actions on a message; the conversation's screen does them. */
export interface Doing {
  reply(message: Message): void;
  edit(message: Message): void;
  remove(message: Message): void;
  react(message: Message, emoji: string): void;
  /** Opens the thread about a message, or that in which it stands; null where one is in a thread already. */
  readonly thread: ((message: Message) => void) | null;
  /** Opens the emoji picker beside an element. */
  pick(message: Message, beside: HTMLElement): void;
  /** Shows what a message said before it was edited. */
  versions(message: Message): void;
  /** Shows who has read a message. */
  readers(message: Message): void;
  /** Shows somebody's profile. */
  look(person: Person): void;
  /** The same of somebody who is mentioned. */
  lookUp(username: string): void;
}
