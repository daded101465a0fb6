// Whether what a notification on this device tells of is over. What the page cannot know by itself the server is asked,
// and only when something was read or dismissed since it was last asked.
import type { ConversationState, State } from '@palabre/sdk';

/** The worker's notes of a notification; those of an older worker are fewer. */
export interface Noted {
  readonly ticket: string;
  /** It stands in a thread, or an edit has called one: that nothing is unread in the room does not say that it is read. */
  readonly asks?: boolean;
  /** The `seq` of the message that a reminder is about. */
  readonly reminder?: number | null;
}

/** Questions to the server; the answer is null if none came. */
export interface Questions {
  isRead(ticket: string): Promise<boolean | null>;
  isDue(conversation: number, seq: number): Promise<boolean | null>;
}

export class Over {
  readonly #questions: Questions;
  /** By ticket, what was known when it was last asked about. */
  readonly #knew = new Map<string, readonly unknown[]>();

  constructor(questions: Questions) {
    this.#questions = questions;
  }

  /** Whether it is; not, as long as nobody can tell. */
  async isOver(
    { ticket, asks = false, reminder = null }: Noted,
    { id, unread, readSeq }: Pick<ConversationState, 'id' | 'unread' | 'readSeq'>,
    { followed, reminderSeq }: Pick<State, 'followed' | 'reminderSeq'>,
  ): Promise<boolean> {
    if (reminder === null && !asks) return unread === 0;
    const knows = [readSeq, followed, reminderSeq];
    if (this.#knew.get(ticket)?.every((one, at) => one === knows[at])) return false;
    const goesOn =
      reminder === null
        ? opposite(await this.#questions.isRead(ticket))
        : await this.#questions.isDue(id, reminder);
    if (goesOn !== null) this.#knew.set(ticket, knows);
    return goesOn === false;
  }

  /** Something may have happened without being heard of. */
  forget(): void {
    this.#knew.clear();
  }
}

const opposite = (answer: boolean | null) => (answer === null ? null : !answer);
