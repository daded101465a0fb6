// Reads the threads that are open, says how far they were read, and follows them.
import type { Asking, Part } from './asking.js';
import type { Core } from './core.js';
import { Refusal } from './problem.js';
import { threadKey } from './state/threads.js';
import type { PageRead, Where } from './state/timeline.js';
import type { Message, MessageHistoryData, ThreadNotificationsData } from './wire.js';

/** A thread that is open. */
interface Opened {
  readonly conversation: number;
  readonly thread: number;
  /** The reply around which it was opened. */
  readonly around: number | null;
  /** The reading that is under way. */
  reading: Promise<void> | null;
  loaded: boolean;
}

export class OpenThreads implements Part {
  readonly #asking: Asking;
  readonly #pageSize: number;
  readonly #open = new Map<string, Opened>();
  /** How far a thread was read, and not yet said. */
  readonly #unsaid = new Map<string, number>();

  constructor(asking: Asking, pageSize: number) {
    this.#asking = asking;
    this.#pageSize = pageSize;
  }

  async open(conversation: number, thread: number, around: number | null): Promise<void> {
    const key = threadKey(conversation, thread);
    const before = this.#open.get(key);
    if (before && (around === null || this.#shows(before, around))) return before.reading ?? undefined;
    const opened: Opened = { conversation, thread, around, reading: null, loaded: false };
    this.#open.set(key, opened);
    await this.#first(opened);
  }

  close(conversation: number, thread: number): void {
    this.#open.delete(threadKey(conversation, thread));
    this.#asking.dispatch({ type: 'of.thread', conversation, thread, what: 'closed' });
  }

  /** The conversation is gone. */
  closed(conversation: number): void {
    for (const [key, opened] of this.#open) if (opened.conversation === conversation) this.#open.delete(key);
  }

  forget(): void {
    this.#open.clear();
    this.#unsaid.clear();
  }

  /** After coming back: reads what could not be read. What has changed meanwhile has come with the conversation. */
  async resume(): Promise<void> {
    const waiting = [...this.#open.values()].filter((opened) => !opened.loaded && opened.reading === null);
    await Promise.all(waiting.map((opened) => this.#first(opened)));
  }

  /** Loads a page beside what is shown, or the newest in its place. */
  async load(conversation: number, thread: number, where: Exclude<Where, 'around'>): Promise<void> {
    const opened = this.#open.get(threadKey(conversation, thread));
    if (!opened) return;
    if (opened.reading) return opened.reading;
    const timeline = this.#timeline(opened);
    if (!timeline || (where === 'before' && !timeline.hasMoreBefore)) return;
    if (where !== 'before' && !timeline.hasMoreAfter) return;
    await this.#page(opened, where, null);
  }

  /** Notes that a thread was read up to here, and says so if one follows it. */
  read(conversation: number, thread: number, seq: number): void {
    const key = threadKey(conversation, thread);
    const followed = this.#asking.state().followed.get(key);
    if (!followed || followed.readSeq >= seq) return;
    this.#asking.dispatch({ type: 'of.thread', conversation, thread, what: 'read', seq });
    const isSaid = this.#unsaid.has(key);
    this.#unsaid.set(key, seq);
    if (!isSaid) void this.#say(conversation, thread);
  }

  async #say(conversation: number, thread: number): Promise<void> {
    const key = threadKey(conversation, thread);
    for (let said = 0; ;) {
      const seq = this.#unsaid.get(key) ?? 0;
      if (seq <= said) break;
      said = seq;
      try {
        const data = await this.#asking.ask('thread.read', { conversation, thread, seq });
        this.#asking.dispatch({ type: 'thread', thread: data });
      } catch (error) {
        // The thread is gone, or the person: nobody is to know any more.
        if (!(error instanceof Refusal)) throw error;
        break;
      }
    }
    this.#unsaid.delete(key);
  }

  #shows(opened: Opened, seq: number): boolean {
    return this.#timeline(opened)?.messages.some((message) => message.seq === seq) ?? false;
  }

  #timeline({ conversation, thread }: Opened) {
    return this.#asking.state().conversations.get(conversation)?.threads.get(thread)?.timeline;
  }

  async #first(opened: Opened): Promise<void> {
    const { conversation, thread, around } = opened;
    this.#asking.dispatch({ type: 'of.thread', conversation, thread, what: 'opened' });
    await this.#page(opened, around === null ? 'newest' : 'around', around);
    opened.loaded = true;
  }

  async #page(opened: Opened, where: Where, around: number | null): Promise<void> {
    opened.reading = this.#read(opened, where, around).finally(() => (opened.reading = null));
    return opened.reading;
  }

  async #read(opened: Opened, where: Where, around: number | null): Promise<void> {
    const { conversation, thread } = opened;
    const { ask, dispatch } = this.#asking;
    const of = { type: 'of.thread', conversation, thread } as const;
    const messages = this.#timeline(opened)?.messages ?? [];
    const beside =
      where === 'before'
        ? (messages[0]?.seq ?? null)
        : where === 'after'
          ? (messages.at(-1)?.seq ?? null)
          : null;
    dispatch({ ...of, what: 'loading', loading: where === 'newest' ? 'around' : where });
    try {
      const place = placeOf(where, beside, around);
      const asked = { conversation, thread, limit: this.#pageSize, ...place };
      const isFirst = where === 'newest' || where === 'around';
      const [page, root]: [PageRead['page'], Message | null] = await Promise.all([
        ask('message.history', asked),
        isFirst ? ask('message.get', { conversation, seq: thread }) : null,
      ]);
      if (this.#open.get(threadKey(conversation, thread)) !== opened) return;
      dispatch({ ...of, what: 'page', read: { where, beside, page }, root });
    } catch (error) {
      dispatch({ ...of, what: 'loading', loading: null });
      throw error;
    }
  }
}

function placeOf(where: Where, beside: number | null, around: number | null): Partial<MessageHistoryData> {
  if (where === 'before') return { before_seq: beside };
  if (where === 'after') return { after_seq: beside };
  return around === null ? {} : { around_seq: around };
}

const opened = new WeakMap<Core, OpenThreads>();

function threadsOf(core: Core): OpenThreads {
  let found = opened.get(core);
  if (!found) {
    found = new OpenThreads(core.within, core.within.pageSize);
    core.within.join(found);
    opened.set(core, found);
  }
  return found;
}

/** Opens a thread: its root and its newest replies, or those around a message. */
export function openThread(
  core: Core,
  conversation: number,
  thread: number,
  options: { readonly around?: number } = {},
): Promise<void> {
  return threadsOf(core).open(conversation, thread, options.around ?? null);
}

/** Forgets an open thread. */
export function closeThread(core: Core, conversation: number, thread: number): void {
  threadsOf(core).close(conversation, thread);
}

/** Loads more of an open thread, on one of its sides. */
export function loadThread(
  core: Core,
  conversation: number,
  thread: number,
  where: 'before' | 'after' | 'newest',
): Promise<void> {
  return threadsOf(core).load(conversation, thread, where);
}

/** Follows a thread on all devices, or stops. Throws a `Refusal`. */
export async function followThread(
  { within }: Core,
  conversation: number,
  thread: number,
  follows: boolean,
): Promise<void> {
  const data = { conversation, thread, follows };
  await within.take('thread.follow', data, (answer) => ({ type: 'thread', thread: answer }));
}

/**
 * Says which replies of a thread that one follows notify, on all devices; null: as in its conversation. Servers before
 * feature level 8 refuse. Throws a `Refusal`.
 */
export async function setThreadNotifications({ within }: Core, data: ThreadNotificationsData): Promise<void> {
  await within.take('thread.notifications', data, (answer) => ({ type: 'thread', thread: answer }));
}

/** A thread was read up to here; where one does not follow it, that is nobody's business. */
export function markThreadRead(core: Core, conversation: number, thread: number, seq: number): void {
  threadsOf(core).read(conversation, thread, seq);
}
