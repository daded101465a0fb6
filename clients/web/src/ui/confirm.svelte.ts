/** A question that is on the screen. */
export interface Question {
  text: string;
  yes: string;
  /** The answer if the question cannot be shown, because that part of the client cannot be loaded. */
  unasked: boolean;
  answer: (yes: boolean) => void;
}

let question = $state.raw<Question | null>(null);

export function asked(): Question | null {
  return question;
}

/** Asks before something that cannot be taken back; `yes` names what will be done. */
export function confirm(text: string, yes: string, unasked = false): Promise<boolean> {
  return new Promise((resolve) => {
    question = {
      text,
      yes,
      unasked,
      answer: (given) => {
        question = null;
        resolve(given);
      },
    };
  });
}
