import type { ConversationState } from '@palabre/sdk';
import { tick, untrack } from 'svelte';
import { isWatched } from '../town/watched';
import { client, town } from '../town/town.svelte';
import { Called } from './called';
import { leaveAt, spotIn } from './places';
import { anchorOf, END, hold, lastSeen, type Anchor } from './scroll';

/** The next page is loaded this many pixels before an edge, so that it is there before the reader. */
const AHEAD = 800;
/** Pixels above the line of the new messages that stay on the screen. */
const ABOVE_NEW = 8;

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
  /** The row at the top of the screen, which stays there whatever changes its size beside it. */
  #anchor: Anchor | null = null;
  /** Where this class has scrolled to: the event of that says nothing new. */
  #own: number | null = null;
  #frame = 0;
  readonly #id: number;
  /** It was marked as unread while one looks at it: it stays so until it is opened again. */
  #marked = false;
  #mark: number | null;
  readonly #called = new Called();

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
    this.#id = untrack(conversation).id;
    this.#mark = untrack(conversation).settings.unread_from;
    $effect(() => {
      const mark = conversation().settings.unread_from;
      // Reading on moves a mark forward; only somebody who marks moves it back.
      if (mark !== null && (this.#mark === null || mark < this.#mark)) this.#marked = true;
      this.#mark = mark;
    });
    $effect.pre(() => {
      void rows();
      // Where nobody has scrolled since, what was at the top is to be there still, whatever has moved it meanwhile.
      untrack(() => (this.#frame || !this.#anchor) && this.#remember());
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
    if (this.log?.scrollTop === this.#own) return;
    this.#own = null;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#look();
    });
  }

  /** Marks what was seen as read, if somebody looks. */
  read(): void {
    const { readSeq } = this.#conversation();
    if (!isWatched(this.#id) || !this.placed || !this.log || this.#marked) return;
    const seen = lastSeen(this.log, this.atEnd ? END : 1);
    if (seen === undefined) return;
    const to = this.atEnd
      ? Math.max(seen, this.#called.mark(this.#timeline?.messages ?? [], town.viewer))
      : seen;
    if (to > readSeq) client.markRead(this.#id, to);
  }

  /** Goes to the latest message, which may have to be loaded. */
  async latest(): Promise<void> {
    if (this.#timeline?.hasMoreAfter) {
      await client.jumpToLatest(this.#id).catch(ignored);
      await tick();
    }
    this.found = null;
    this.#toEnd();
  }

  /** Keeps what one reads where it is when anything changes its size: the window, the details, a name, a font. */
  readonly followSize = (element: HTMLElement) => {
    const observer = new ResizeObserver(() => {
      if (!this.placed) return;
      this.#hold();
      this.#measure();
      this.read();
    });
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
    };
  };

  /** Remembers where one is, for coming back. */
  leave(): void {
    if (!this.placed || !this.log) return;
    const seq = this.#anchor && this.#seqOf(this.#anchor.key);
    leaveAt(this.#id, this.atEnd || !seq || !this.#anchor ? null : { seq, bottom: this.#anchor.bottom });
  }

  #seqOf(key: string): number | null {
    const row = this.log?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    return Number(row?.dataset['seq']) || null;
  }

  #changed(some: boolean): void {
    if (!this.log || !some) return;
    if (!this.placed) return this.#place();
    this.#hold();
    this.#look();
  }

  #remember(): void {
    this.#anchor = this.log && this.placed ? anchorOf(this.log) : null;
  }

  /** The end is followed; else the row at the top stays where it is. */
  #hold(): void {
    if (!this.log) return;
    if (this.atEnd) {
      const end = this.log.scrollHeight - this.log.clientHeight;
      this.log.scrollTop = Math.min(end, this.#newLine());
    } else if (this.#anchor) hold(this.log, this.#anchor);
    this.#own = this.log.scrollTop;
  }

  /** Where nobody looks, what comes is followed only until the line of the new messages is at the top. */
  #newLine(): number {
    if (!this.log || isWatched(this.#id)) return Infinity;
    const line = this.log.querySelector('[data-new]');
    if (!line) return Infinity;
    const below = line.getBoundingClientRect().top - this.log.getBoundingClientRect().top;
    return this.log.scrollTop + below - ABOVE_NEW;
  }

  /** A link to a message in a conversation that is open already. */
  #goTo(at: number | null): void {
    if (at === null || !this.placed) return;
    const opened = client.open(this.#id, { around: at });
    void opened
      .then(tick)
      .then(() => this.#place())
      .catch(ignored);
  }

  /** At the message that was asked for, else where one was, else where the unread messages begin, else at the end. */
  #place(): void {
    const { at } = this.#goal();
    const first = !this.placed;
    this.placed = true;
    this.found = at;
    if (at === null && first && this.#back()) return this.#look();
    const target = this.log?.querySelector(at !== null ? `[data-seq="${at}"]` : '[data-new]');
    if (target) {
      target.scrollIntoView({ block: at !== null ? 'center' : 'start' });
      this.atEnd = false;
    } else this.#toEnd();
    this.#look();
  }

  /** Goes back to where one was; whether that message is here. */
  #back(): boolean {
    const spot = spotIn(this.#id);
    const row = spot && this.log?.querySelector<HTMLElement>(`[data-seq="${spot.seq}"]`);
    if (!spot || !row || !this.log) return false;
    this.atEnd = false;
    hold(this.log, { key: row.dataset['key'] ?? '', bottom: spot.bottom });
    return true;
  }

  #toEnd(): void {
    if (this.log) {
      this.log.scrollTop = this.log.scrollHeight;
      this.#own = this.log.scrollTop;
    }
    this.atEnd = !this.#timeline?.hasMoreAfter;
    this.#remember();
    this.read();
  }

  /** Whether it is the end that one looks at, and what is at the top. */
  #measure(): number {
    if (!this.log) return 0;
    const below = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
    this.atEnd = below < END && !this.#timeline?.hasMoreAfter;
    this.#remember();
    return below;
  }

  #look(): void {
    const timeline = this.#timeline;
    if (!this.log || !this.placed) return;
    const below = this.#measure();
    if (!timeline || timeline.loading) return;
    if (this.log.scrollTop < AHEAD && timeline.hasMoreBefore) void client.loadBefore(this.#id).catch(ignored);
    else if (below < AHEAD && timeline.hasMoreAfter) void client.loadAfter(this.#id).catch(ignored);
    this.read();
  }
}
