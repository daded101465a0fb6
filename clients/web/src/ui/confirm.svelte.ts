/** A question that is on the screen. */
export interface Question {
  text: string;
  yes: string;
  answer: (yes: boolean) => void;
}

let question = $state.raw<Question | null>(null);

export function asked(): Question | null {
  return question;
}

/** Asks before something that cannot be taken back; `yes` names what will be done. What was asked before is not done. */
export function confirm(text: string, yes: string): Promise<boolean> {
  question?.answer(false);
  return new Promise((resolve) => {
    const own: Question = {
      text,
      yes,
      answer: (given) => {
        if (question === own) question = null;
        resolve(given);
      },
    };
    question = own;
  });
}
