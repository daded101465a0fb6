// Tells of unread messages: after a moment, and among all tabs that share a storage only in one.
import { exclusively } from './exclusive.js';
import { hasToTell, type Notice } from './state/notices.js';
import type { State } from './state/index.js';
import { readJson, writeText, type KeyValue } from './storage.js';
import { unref } from './timers.js';

export interface NotifierOptions {
  readonly storage: KeyValue;
  readonly state: () => State;
  /** The moment is over: the state is asked what there is to tell. */
  readonly due: () => void;
  readonly tell: (notice: Notice) => void;
}

/** A message is told of after one to two such times, in milliseconds: whoever reads it elsewhere has said so by then. */
const WAIT_MS = 750;
/** Of this many conversations the storage says what was told. */
const MOST = 500;

/** How far each conversation was told of on this device, the least recent first. */
interface Told {
  readonly epoch: string | null;
  readonly seqs: readonly (readonly [number, number])[];
}

export class Notifier {
  readonly #options: NotifierOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** The state has changed. */
  changed(): void {
    if (this.#timer !== undefined || !hasToTell(this.#options.state())) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#options.due();
    }, WAIT_MS);
    unref(this.#timer);
  }

  /** Tells of what no other tab has told of. */
  async take(notices: readonly Notice[]): Promise<void> {
    const { storage, state, tell } = this.#options;
    const user = state().me?.id;
    if (notices.length === 0 || user === undefined) return;
    const key = `palabre.told.${user}`;
    // Where locks fail, being told twice is better than not at all.
    const mine = await exclusively(key, storage, async () => this.#claim(key, notices)).catch(() => notices);
    if (state().me?.id === user) for (const notice of mine) tell(notice);
  }

  /** Nothing waits any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #claim(key: string, notices: readonly Notice[]): Notice[] {
    const { storage, state } = this.#options;
    const { epoch } = state();
    const kept = readJson(storage, key);
    const seqs = new Map(isTold(kept) && kept.epoch === epoch ? kept.seqs : []);
    const mine = notices.flatMap((notice) => rest(notice, seqs.get(notice.conversation) ?? 0));
    for (const { conversation, messages } of mine) {
      seqs.delete(conversation);
      seqs.set(conversation, messages.at(-1)?.seq ?? 0);
    }
    const told: Told = { epoch, seqs: [...seqs].slice(-MOST) };
    if (mine.length > 0) writeText(storage, key, JSON.stringify(told));
    return mine;
  }
}

/** The part of a notice that was not told of yet. */
function rest(notice: Notice, toldTo: number): Notice[] {
  const messages = notice.messages.filter(({ seq }) => seq > toldTo);
  if (messages.length === notice.messages.length) return [notice];
  return messages.length === 0 ? [] : [{ ...notice, messages, count: messages.length }];
}

function isTold(value: unknown): value is Told {
  if (typeof value !== 'object' || value === null) return false;
  const { seqs } = value as Record<string, unknown>;
  return Array.isArray(seqs) && seqs.every((it) => Array.isArray(it) && it.length === 2);
}
