import type { ConversationState } from '@palabre/sdk';
import { untrack } from 'svelte';
import { isWatched } from '../town/watched';

/** The line where the unread messages begin. */
export class NewLine {
  /** Up to where all had been read; null for no line. */
  after = $state<number | null>(null);
  #away = false;
  #mark: number | null = null;

  /** To be made while its component is. */
  constructor(conversation: () => ConversationState) {
    untrack(() => {
      const { unread, readSeq } = conversation();
      if (unread > 0) this.after = readSeq;
      this.#mark = conversation().settings.unread_from;
    });
    // Whoever marks what they look at as unread sees where it begins.
    $effect.pre(() => {
      const { settings, readSeq } = conversation();
      const mark = settings.unread_from;
      if (mark !== null && (this.#mark === null || mark < this.#mark)) this.after = readSeq;
      this.#mark = mark;
    });
    $effect.pre(() => {
      const { id, unread, readSeq } = conversation();
      untrack(() => this.#look(id, unread, readSeq));
    });
  }

  /** What comes while nobody looks is new to whoever comes back; where one has come back, the line stays. */
  #look(id: number, unread: number, readSeq: number): void {
    if (isWatched(id)) this.#away = false;
    else if (unread > 0 && !this.#away) {
      this.#away = true;
      this.after = readSeq;
    }
  }
}
