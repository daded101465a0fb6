// Reads what an open conversation shows: pages of history, members, markers, presence.
import type { Asking } from './asking.js';
import type { Reread } from './state/catch_up.js';
import { Refusal } from './problem.js';
import { isLarge } from './state/members.js';
import { knowsThreads } from './state/threads.js';
import { fits, type PageRead, type Where } from './state/timeline.js';
import type { ConversationRow, History, Member, Members, MessageHistoryData } from './wire.js';

const PAGE = 200;
/** A page is read this many times at most, if the window moves meanwhile. */
const TRIES = 3;

/** A conversation that is open. */
interface Opened {
  /** The message around which it was opened. */
  readonly around: number | null;
  /** Whether its timeline was read. */
  loaded: boolean;
  /** The opening, while it is under way. */
  opening: Promise<void> | null;
}

export class Readings {
  readonly #asking: Asking;
  readonly #pageSize: number;
  readonly #open = new Map<number, Opened>();
  #readings = 0;
  /** Counts sessions: a reading for somebody who is gone must not change what the next person sees. */
  #era = 0;
  /** Pages under way: one for each conversation. */
  readonly #pages = new Map<number, Promise<void>>();

  constructor(asking: Asking, pageSize: number) {
    this.#asking = asking;
    this.#pageSize = pageSize;
  }

  open(conversation: number, around: number | null): Promise<void> {
    const known = this.#open.get(conversation);
    if (known?.opening && (around === null || around === known.around)) return known.opening;
    if (known?.loaded && (around === null || this.#shows(conversation, around))) return Promise.resolve();
    const opened: Opened = { around, loaded: false, opening: null };
    this.#open.set(conversation, opened);
    opened.opening = this.#begin(conversation, opened).finally(() => (opened.opening = null));
    return opened.opening;
  }

  close(conversation: number): void {
    this.closed(conversation);
    this.#asking.dispatch({ type: 'closed', conversation });
  }

  /** It is open no longer. */
  closed(conversation: number): void {
    this.#open.delete(conversation);
  }

  /** Somebody else logs in: nothing is open, and readings under way do not count. */
  forget(): void {
    this.#era += 1;
    this.#open.clear();
    this.#pages.clear();
  }

  /** After coming back: reads what could not be read, and what has no numbered events. */
  async resume(): Promise<void> {
    await Promise.all([...this.#open].map(([conversation, opened]) => this.#again(conversation, opened)));
  }

  async #again(conversation: number, opened: Opened): Promise<void> {
    await opened.opening;
    if (this.#open.get(conversation) !== opened) return;
    const { loaded, around } = opened;
    if (loaded && this.#asking.state().conversations.get(conversation)?.timeline)
      return this.#people(conversation);
    this.#open.delete(conversation);
    await this.open(conversation, around);
  }

  /** Loads a page beside what is shown, or the newest in its place; the one under way comes first. */
  async load(conversation: number, where: Exclude<Where, 'around'>): Promise<void> {
    const underWay = this.#pages.get(conversation);
    if (underWay && where !== 'newest') return underWay;
    // Waits only if there is something to wait for: a second call in the same moment must find this one under way.
    const era = this.#era;
    if (underWay) await underWay.catch(() => undefined);
    if (era !== this.#era) return;
    const timeline = this.#asking.state().conversations.get(conversation)?.timeline;
    if (!timeline) return;
    if (where === 'before' && (!timeline.hasMoreBefore || timeline.messages.length === 0)) return;
    if (where === 'after' && (!timeline.hasMoreAfter || timeline.messages.length === 0)) return;
    if (where === 'newest' && !timeline.hasMoreAfter) return;
    await this.#page(conversation, where, null);
  }

  /** Reads a conversation again from the start, as far as it is known. */
  async reread(conversation: number): Promise<Reread> {
    const known = this.#asking.state().conversations.get(conversation);
    const row = await this.#asking.ask('conversation.get', { conversation });
    const page = known?.timeline ? await this.#history({ conversation }) : null;
    const members = known?.members && !this.#isLarge(row) ? await this.#members(conversation) : null;
    const listed = members ? await this.#asking.ask('marker.list', { conversation }) : null;
    return { row, page, members, markers: listed?.markers ?? null };
  }

  #shows(conversation: number, seq: number): boolean {
    const timeline = this.#asking.state().conversations.get(conversation)?.timeline;
    return timeline?.messages.some((message) => message.seq === seq) ?? false;
  }

  async #row(conversation: number, opened: Opened): Promise<void> {
    try {
      const row = await this.#asking.ask('conversation.get', { conversation });
      this.#asking.dispatch({ type: 'rows', rows: [row], shown: false });
    } catch (error) {
      // A conversation that cannot be read for a moment is opened when the line is back.
      const mine = this.#open.get(conversation) === opened;
      if (mine && !(error instanceof Refusal && error.passing)) this.#open.delete(conversation);
      throw error;
    }
  }

  async #begin(conversation: number, opened: Opened): Promise<void> {
    if (!this.#asking.state().conversations.has(conversation)) await this.#row(conversation, opened);
    if (this.#open.get(conversation) !== opened) return;
    this.#asking.dispatch({ type: 'opened', conversation });
    await Promise.all([this.#first(conversation, opened), this.#people(conversation)]);
  }

  async #first(conversation: number, opened: Opened): Promise<void> {
    const era = this.#era;
    await this.#pages.get(conversation)?.catch(() => undefined);
    if (era !== this.#era) return;
    await this.#page(conversation, opened.around === null ? 'newest' : 'around', opened.around);
    opened.loaded = true;
  }

  #page(conversation: number, where: Where, around: number | null): Promise<void> {
    const reading = this.#read(conversation, where, around).finally(() => {
      if (this.#pages.get(conversation) === reading) this.#pages.delete(conversation);
    });
    this.#pages.set(conversation, reading);
    return reading;
  }

  async #read(conversation: number, where: Where, around: number | null): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const beside = this.#end(conversation, where);
      const place = placeOf(where, beside, around);
      const fitting = await this.#while(conversation, where, async (reading) => {
        const page = await this.#history({ conversation, ...place });
        const timeline = this.#asking.state().conversations.get(conversation)?.timeline;
        const read: PageRead = { where, beside, page };
        this.#asking.dispatch({ type: 'page', conversation, reading, read });
        return !timeline || fits(timeline, read);
      });
      if (fitting) return;
    }
  }

  /** The message beside which a page is to be read. */
  #end(conversation: number, where: Where): number | null {
    const messages = this.#asking.state().conversations.get(conversation)?.timeline?.messages;
    if (where === 'before') return messages?.[0]?.seq ?? null;
    return where === 'after' ? (messages?.at(-1)?.seq ?? null) : null;
  }

  #history(data: MessageHistoryData): Promise<History> {
    // What stands in threads only is read there.
    const room = knowsThreads(this.#asking.state()) ? { thread: 0 } : {};
    return this.#asking.ask('message.history', { limit: this.#pageSize, ...room, ...data });
  }

  /** Changes during a reading are put onto its result. */
  async #while<T>(
    conversation: number,
    where: Where | null,
    read: (reading: number) => Promise<T>,
  ): Promise<T> {
    const [reading, era] = [(this.#readings += 1), this.#era];
    this.#asking.dispatch({ type: 'reading', conversation, reading, where });
    try {
      return await read(reading);
    } catch (error) {
      if (era === this.#era) this.#asking.dispatch({ type: 'read.failed', conversation, reading, where });
      throw error;
    }
  }

  async #people(conversation: number): Promise<void> {
    const row = this.#asking.state().conversations.get(conversation)?.row;
    if (!row || this.#isLarge(row)) return;
    if (!this.#asking.state().conversations.get(conversation)?.members) {
      await this.#while(conversation, null, async (reading) => {
        const members = await this.#members(conversation);
        this.#asking.dispatch({ type: 'members', conversation, reading, members });
      });
    }
    const { markers } = await this.#asking.ask('marker.list', { conversation });
    this.#asking.dispatch({ type: 'markers', conversation, markers });
    await this.#presence(conversation);
  }

  #isLarge(row: ConversationRow): boolean {
    return isLarge(row, this.#asking.state().limits);
  }

  async #presence(conversation: number): Promise<void> {
    const { conversations, limits } = this.#asking.state();
    const users = [...(conversations.get(conversation)?.members?.keys() ?? [])].slice(
      0,
      limits?.presence_members,
    );
    if (users.length === 0) return;
    const { people } = await this.#asking.ask('presence.get', { users });
    this.#asking.dispatch({ type: 'presences', people });
  }

  async #members(conversation: number): Promise<Member[]> {
    const members: Member[] = [];
    const limit = Math.min(PAGE, this.#asking.state().limits?.list_page ?? PAGE);
    let cursor: string | null = null;
    do {
      const page: Members = await this.#asking.ask('member.list', { conversation, limit, cursor });
      members.push(...page.members);
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
    return members;
  }
}

function placeOf(where: Where, beside: number | null, around: number | null): Partial<MessageHistoryData> {
  if (where === 'before') return { before_seq: beside };
  if (where === 'after') return { after_seq: beside };
  return around === null ? {} : { around_seq: around };
}
