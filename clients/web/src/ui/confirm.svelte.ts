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

/** Asks before something that cannot be taken back; `yes` names what will be done. */
export function confirm(text: string, yes: string): Promise<boolean> {
  return new Promise((resolve) => {
    question = {
      text,
      yes,
      answer: (given) => {
        question = null;
        resolve(given);
      },
    };
  });
}
