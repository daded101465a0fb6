// Waits until messages have arrived or were refused.
import { Refusal, unanswered } from './problem.js';

/** This many outcomes are remembered, for callers who ask late. */
const MOST_ENDS = 1000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (refusal: Refusal) => void;
}

export class Deliveries {
  readonly #waiting = new Map<string, Waiting[]>();
  /** The outcomes of messages that are no longer in the outbox; `null`: it has arrived. */
  readonly #ends = new Map<string, Refusal | null>();
  #closed = false;

  /** Waits for the outcome of a message that is in the outbox. */
  wait(clientId: string): Promise<void> {
    if (this.#closed) return Promise.reject(disposed());
    return new Promise((resolve, reject) => {
      this.#waiting.set(clientId, [...(this.#waiting.get(clientId) ?? []), { resolve, reject }]);
    });
  }

  /** The outcome of a message that is not in the outbox. */
  async past(clientId: string): Promise<void> {
    const end = this.#ends.get(clientId);
    if (end === null) return;
    throw end ?? new Refusal({ code: 'not_found', status: 404, detail: 'No such message was written here.' });
  }

  /** It has arrived, or (with a reason) has left the outbox otherwise. */
  end(clientId: string, refusal: Refusal | null): void {
    this.#ends.delete(clientId);
    this.#ends.set(clientId, refusal);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MOST_ENDS && oldest !== undefined) this.#ends.delete(oldest);
    this.answer(clientId, refusal);
  }

  /** Answers the callers who wait: it has arrived, or was refused (and stays in the outbox, perhaps to be tried again). */
  answer(clientId: string, refusal: Refusal | null): void {
    const waiting = this.#waiting.get(clientId) ?? [];
    this.#waiting.delete(clientId);
    for (const { resolve, reject } of waiting) {
      if (refusal) reject(refusal);
      else resolve();
    }
  }

  /** Ends all waiting: the client is not used any more. */
  close(): void {
    this.#closed = true;
    for (const clientId of [...this.#waiting.keys()]) this.answer(clientId, disposed());
  }
}

function disposed(): Refusal {
  return unanswered('The client is not used any more.');
}
