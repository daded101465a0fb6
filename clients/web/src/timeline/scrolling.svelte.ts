import type { ConversationState } from '@palabre/sdk';
import { tick, untrack } from 'svelte';
import { isWatched } from '../town/watched';
import { client } from '../town/town.svelte';
import { anchored, END, lastSeen, type Anchor } from './scroll';

/** The next page is loaded this many pixels before an edge, so that it is there before the reader. */
const AHEAD = 800;

/** A page that could not be loaded is asked for again at the next look; the banner says that the line is away. */
const ignored = () => {};

/** Where one looks in a timeline: follows the end, loads the next page near an edge, and marks what was seen as read. */
export class Scrolling {
  /** The element that scrolls. */
  log = $state<HTMLElement | null>(null);
  atEnd = $state(true);
  /** The message that one was sent to, by its number. */
  found = $state<number | null>(null);
  /** Whether it is at the place where one begins to read. */
  placed = $state(false);
  readonly #conversation: () => ConversationState;
  readonly #goal: () => { readonly at: number | null };
  #anchor: Anchor | null = null;
  #frame = 0;

  /**
   * To be made while its component is.
   *
   * @param goal the message to go to; another object each time one is sent there
   * @param rows the lines that are shown; what one looks at stays where it is when they change
   */
  constructor(
    conversation: () => ConversationState,
    goal: () => { readonly at: number | null },
    rows: () => readonly unknown[],
  ) {
    this.#conversation = conversation;
    this.#goal = goal;
    $effect.pre(() => {
      void rows();
      this.#anchor = untrack(() => (this.log && this.placed ? anchored(this.log, this.atEnd) : null));
    });
    $effect(() => {
      const some = rows().length > 0;
      untrack(() => this.#changed(some));
    });
    $effect(() => {
      const { at } = goal();
      untrack(() => this.#goTo(at));
    });
  }

  get #timeline() {
    return this.#conversation().timeline;
  }

  /** It was scrolled, which happens more often than the screen is drawn. */
  scrolled(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#look();
    });
  }

  /** Marks what was seen as read, if somebody looks. */
  read(): void {
    const { id, readSeq } = this.#conversation();
    if (!isWatched(id) || !this.placed) return;
    const newest = this.#timeline?.messages.at(-1)?.seq;
    const seen = this.atEnd ? newest : this.log ? lastSeen(this.log) : undefined;
    if (seen !== undefined && seen > readSeq) client.markRead(id, seen);
  }

  /** Goes to the latest message, which may have to be loaded. */
  async latest(): Promise<void> {
    if (this.#timeline?.hasMoreAfter) {
      await client.jumpToLatest(this.#conversation().id).catch(ignored);
      await tick();
    }
    this.found = null;
    this.#toEnd();
  }

  /** Keeps the end in sight when the composer grows, or the keyboard of a phone comes. */
  readonly followSize = (element: HTMLElement) => {
    const observer = new ResizeObserver(() => {
      if (this.atEnd && this.placed) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  };

  #changed(some: boolean): void {
    if (!this.log || !some) return;
    if (!this.placed) return this.#place();
    this.#anchor?.hold();
    this.#look();
  }

  /** A link to a message in a conversation that is open already. */
  #goTo(at: number | null): void {
    if (at === null || !this.placed) return;
    const opened = client.open(this.#conversation().id, { around: at });
    void opened
      .then(tick)
      .then(() => this.#place())
      .catch(ignored);
  }

  /** At the message that was asked for, else where the unread messages begin, else at the end. */
  #place(): void {
    const { at } = this.#goal();
    const target = this.log?.querySelector(at !== null ? `[data-seq="${at}"]` : '[data-new]');
    this.placed = true;
    this.found = at;
    if (target) {
      target.scrollIntoView({ block: at !== null ? 'center' : 'start' });
      this.atEnd = false;
    } else this.#toEnd();
    this.#look();
  }

  #toEnd(): void {
    if (this.log) this.log.scrollTop = this.log.scrollHeight;
    this.atEnd = !this.#timeline?.hasMoreAfter;
    this.read();
  }

  #look(): void {
    const timeline = this.#timeline;
    if (!this.log || !this.placed) return;
    const below = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
    this.atEnd = below < END && !timeline?.hasMoreAfter;
    if (!timeline || timeline.loading) return;
    const { id } = this.#conversation();
    if (this.log.scrollTop < AHEAD && timeline.hasMoreBefore) void client.loadBefore(id).catch(ignored);
    else if (below < AHEAD && timeline.hasMoreAfter) void client.loadAfter(id).catch(ignored);
    this.read();
  }
}
