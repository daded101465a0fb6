// What calls somebody by an edit: the message was there before, and is read again under the number of the edit.
import { isForMe, type Message, type Viewer } from '@palabre/sdk';

/** The edits that have called one where one looks. Each is marked as read once. */
export class Called {
  /** When the edits that were marked were made, by the numbers of their messages: a reaction changes `rev`, too. */
  readonly #marked = new Map<number, string | null>();

  /** Up to which number one must read to have read such edits of these messages; 0 if none is new. They are marked then. */
  mark(messages: readonly Message[], viewer: Viewer): number {
    const called = messages.filter(
      (it) => it.edited_at !== null && it.edited_at !== this.#marked.get(it.seq) && isForMe(it, viewer),
    );
    for (const { seq, edited_at } of called) this.#marked.set(seq, edited_at);
    return Math.max(0, ...called.map(({ rev }) => rev));
  }
}
