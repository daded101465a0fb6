import { loadThread, markThreadRead, threadKey, type ThreadState } from '@palabre/sdk';
import { tick, untrack } from 'svelte';
import { Called } from '../timeline/called';
import { END } from '../timeline/scroll';
import { client, town } from '../town/town.svelte';

/** The part of a thread that is shown, and the reply to go to. */
interface Shown {
  readonly conversation: number;
  readonly thread: number;
  readonly shown: ThreadState;
  readonly reply: number | null;
}

/** A page that could not be loaded is asked for again by whoever wants it. */
const ignored = () => {};

/** Where one looks in a thread: follows its end, and marks it as read there. */
export class Reading {
  /** The element that scrolls. */
  log = $state<HTMLElement | null>(null);
  /** The reply that one was sent to. */
  found = $state<number | null>(null);
  #atEnd = true;
  readonly #called = new Called();
  readonly #of: () => Shown;

  /** To be made while its component is. `rows` are the lines that are shown. */
  constructor(of: () => Shown, rows: () => readonly unknown[]) {
    this.#of = of;
    $effect(() => {
      void rows();
      untrack(() => this.#changed());
    });
  }

  /** Goes to the newest reply, which may have to be loaded. */
  async latest(): Promise<void> {
    const { conversation, thread, shown } = this.#of();
    if (shown.timeline.hasMoreAfter) await loadThread(client, conversation, thread, 'newest').catch(ignored);
    await tick();
    this.#atEnd = true;
    if (this.log) this.log.scrollTop = this.log.scrollHeight;
  }

  /** Loads more; what one reads stays where it is when earlier replies come. */
  async more(where: 'before' | 'after'): Promise<void> {
    const { conversation, thread } = this.#of();
    const below = this.log ? this.log.scrollHeight - this.log.scrollTop : 0;
    await loadThread(client, conversation, thread, where).catch(ignored);
    await tick();
    if (this.log && where === 'before') this.log.scrollTop = this.log.scrollHeight - below;
  }

  scrolled(): void {
    if (!this.log) return;
    this.#atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < END;
    this.read();
  }

  /** A reader who sees the end has read everything, also the edits that have called them. */
  read(): void {
    const { conversation, thread, shown } = this.#of();
    const { messages, hasMoreAfter } = shown.timeline;
    const last = messages.at(-1);
    // How far one has read is kept of what one follows.
    if (!town.state.followed.has(threadKey(conversation, thread))) return;
    if (!last || hasMoreAfter || !this.#atEnd || !document.hasFocus() || document.hidden) return;
    markThreadRead(
      client,
      conversation,
      thread,
      Math.max(last.seq, this.#called.mark(messages, town.viewer)),
    );
  }

  #changed(): void {
    const { reply } = this.#of();
    const goal =
      reply === null || this.found === reply ? null : this.log?.querySelector(`[data-seq="${reply}"]`);
    if (goal) {
      this.found = reply;
      this.#atEnd = false;
      goal.scrollIntoView({ block: 'center' });
    } else if (this.log && this.#atEnd) this.log.scrollTop = this.log.scrollHeight;
    this.read();
  }
}
