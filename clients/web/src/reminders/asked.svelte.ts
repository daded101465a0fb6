import type { Message } from '@palabre/sdk';

/** A question when somebody wants to be reminded. Each is one of its own, also of the same message. */
interface Question {
  readonly message: Message;
  /** Takes this question away, and none that was asked in its place. */
  readonly close: () => void;
}

let question = $state.raw<Question | null>(null);

/** The question that is on the screen. */
export function asked(): Question | null {
  return question;
}

/** Asks when somebody wants to be reminded of a message. */
export function askWhen(message: Message): void {
  const own: Question = {
    message,
    close: () => {
      if (question === own) question = null;
    },
  };
  question = own;
}
