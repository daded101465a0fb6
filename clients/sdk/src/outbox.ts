// Messages that are not acknowledged. Each is said again, with the same client id, until the server has answered;
// the next one of the same conversation waits for that, so that their order stays.
import { Backoff } from './backoff.js';
import { Deliveries } from './deliveries.js';
import { Refusal, unanswered } from './problem.js';
import type { Pending } from './state/pending.js';
import { readJson, removeText, watch, writeText, type KeyValue } from './storage.js';
import { unref } from './timers.js';
import { uuid } from './uuid.js';
import type { File, MessageSent } from './wire.js';

export interface OutboxOptions {
  readonly storage: KeyValue;
  readonly now: () => number;
  readonly random: () => number;
  /** Gives the command; `null` while there is no line. */
  readonly send: (pending: Pending) => Promise<MessageSent> | null;
  /** Is called with all its messages, in order, after each change. */
  readonly changed: (pending: readonly Pending[]) => void;
}

/** The form of a message in storage. */
interface Kept {
  readonly clientId: string;
  readonly conversation: number;
  readonly text: string;
  readonly parent: number | null;
  readonly reach?: number;
  /** Absent for none, as before feature level 7. */
  readonly files?: readonly File[];
  readonly thread?: number | null;
  readonly alsoInRoom?: boolean;
  readonly at: number;
  readonly failed?: { readonly code: Refusal['code']; readonly status: number; readonly detail: string };
}

/** A wait, in milliseconds since 1970. */
interface Wait {
  readonly from: number;
  readonly until: number;
}

/** The parts that a message may have beside its text. */
interface Added {
  readonly parent?: number | null;
  readonly thread?: number | null;
  readonly alsoInRoom?: boolean;
  readonly clientId?: string;
  readonly reach?: number;
  readonly files?: readonly File[];
}

/** A message of another tab is left to that tab for this long, in milliseconds. */
const FOREIGN_MS = 10_000;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #backoffs = new Map<number, Backoff>();
  /** Until when a conversation has to wait. */
  readonly #notBefore = new Map<number, Wait>();
  /** Until when another tab's messages are that tab's to send. */
  readonly #foreign = new Map<string, Wait>();
  /** Messages that storage did not take (it was full): they are sent all the same, but a reload loses them. */
  readonly #unkept = new Set<string>();
  #key: string | null = null;
  #pending: readonly Pending[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #deliveries = new Deliveries();
  readonly #unwatch: () => void;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#unwatch = watch(options.storage, (key) => {
      if (this.#key !== null && (key === this.#key || key === null)) this.#compare();
    });
  }

  /** Opens somebody's outbox, with what was left in it; nobody's is empty. */
  open(user: number | null): void {
    const key = user === null ? null : `palabre.outbox.${user}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#notBefore.clear();
    this.#foreign.clear();
    this.#unkept.clear();
    this.#backoffs.clear();
    this.#replace(this.#read().map(revived), 'The outbox was closed.');
  }

  /** Waits until a message has arrived; throws why it was refused, or how it has left the outbox otherwise. */
  delivered(clientId: string): Promise<void> {
    const pending = this.#pending.find((it) => it.clientId === clientId);
    if (pending?.refusal) return Promise.reject(pending.refusal);
    return pending ? this.#deliveries.wait(clientId) : this.#deliveries.past(clientId);
  }

  /** Puts a message into it, unless it is in it already; returns its client id. */
  add(conversation: number, text: string, options: Added = {}): string {
    const {
      parent = null,
      thread = null,
      alsoInRoom = false,
      clientId = uuid(),
      reach = null,
      files = [],
    } = options;
    if (this.#pending.some((it) => it.clientId === clientId)) return clientId;
    const at = this.#options.now();
    const message: Pending = {
      clientId,
      conversation,
      text,
      parent,
      reach,
      files,
      thread,
      alsoInRoom,
      at,
      state: 'waiting',
      refusal: null,
      seq: null,
    };
    const others = (kept: readonly Kept[]) => kept.filter((it) => it.clientId !== clientId);
    if (!this.#store((kept) => [...others(kept), keep(message)])) this.#unkept.add(message.clientId);
    this.#set([...this.#pending, message]);
    this.pump();
    return message.clientId;
  }

  /** Tries one that failed again. */
  retry(clientId: string): void {
    const message = this.#pending.find((it) => it.clientId === clientId);
    if (message?.state !== 'failed') return;
    this.#change(clientId, { state: 'waiting', refusal: null });
    this.#store((kept) =>
      kept.map((it) => (it.clientId === clientId ? keep({ ...message, refusal: null }) : it)),
    );
    this.#notBefore.delete(message.conversation);
    this.#foreign.delete(clientId);
    this.pump();
  }

  /** Takes one out, unless it is being sent: then nobody can say whether it has arrived. */
  discard(clientId: string): void {
    if (this.#pending.find((it) => it.clientId === clientId)?.state === 'sending') return;
    this.#drop((it) => it.clientId === clientId, unanswered('It was thrown away.'));
    this.pump();
  }

  /** These have arrived: they were seen in the conversation. */
  settle(clientIds: ReadonlySet<string>): void {
    this.#drop((it) => clientIds.has(it.clientId), null);
    this.pump();
  }

  /** Throws away what is in it. */
  clear(): void {
    if (this.#key !== null) removeText(this.#options.storage, this.#key);
    this.#replace([], 'The outbox was emptied.');
  }

  /** Stops for good. */
  close(): void {
    clearTimeout(this.#timer);
    this.#unwatch();
    this.#deliveries.close();
  }

  /** Sends whatever can be sent now. */
  pump(): void {
    clearTimeout(this.#timer);
    const now = this.#options.now();
    let wake = Infinity;
    for (const message of this.#heads()) {
      const foreign = left(this.#foreign.get(message.clientId), now);
      const wait = Math.max(foreign, left(this.#notBefore.get(message.conversation), now));
      if (wait > 0) wake = Math.min(wake, wait);
      else this.#send(message);
    }
    if (wake === Infinity) return;
    this.#timer = setTimeout(() => this.pump(), wake);
    unref(this.#timer);
  }

  /** The first of each conversation that still has to be sent, if it is not being sent already. */
  #heads(): Pending[] {
    const first = new Map<number, Pending>();
    for (const message of this.#pending) {
      if (message.state === 'failed' || message.seq !== null || first.has(message.conversation)) continue;
      first.set(message.conversation, message);
    }
    return [...first.values()].filter((message) => message.state === 'waiting');
  }

  #send(message: Pending): void {
    const answer = this.#options.send(message);
    if (!answer) return;
    this.#change(message.clientId, { state: 'sending' });
    answer.then(
      (sent) => this.#acknowledged(message, sent),
      (error: unknown) => this.#refused(message, error),
    );
  }

  #acknowledged(message: Pending, sent: MessageSent): void {
    this.#backoffs.delete(message.conversation);
    this.#store((kept) => kept.filter((it) => it.clientId !== message.clientId));
    this.#change(message.clientId, { seq: sent.seq });
    this.pump();
  }

  #refused(message: Pending, error: unknown): void {
    // Another outbox is open by now.
    if (!this.#pending.some((it) => it.clientId === message.clientId)) return;
    const refusal =
      error instanceof Refusal ? error : new Refusal({ code: 'internal', detail: String(error) });
    // Without a line nothing is waited for but the line.
    if (refusal.code === 'network') this.#change(message.clientId, { state: 'waiting' });
    else if (refusal.passing || refusal.code === 'unauthenticated') this.#later(message, refusal);
    else this.#failed(message, refusal);
    this.pump();
  }

  #later(message: Pending, refusal: Refusal): void {
    const { random, now } = this.#options;
    const backoff = this.#backoffs.get(message.conversation) ?? new Backoff({ random });
    this.#backoffs.set(message.conversation, backoff);
    const from = now();
    this.#notBefore.set(message.conversation, {
      from,
      until: from + backoff.next(refusal.retryAfterMs ?? 0),
    });
    this.#change(message.clientId, { state: 'waiting' });
  }

  #failed(message: Pending, refusal: Refusal): void {
    this.#store((kept) =>
      kept.map((it) => (it.clientId === message.clientId ? keep({ ...message, refusal }) : it)),
    );
    this.#change(message.clientId, { state: 'failed', refusal });
    this.#deliveries.answer(message.clientId, refusal);
  }

  #change(clientId: string, change: Partial<Pending>): void {
    this.#set(this.#pending.map((it) => (it.clientId === clientId ? { ...it, ...change } : it)));
  }

  #drop(which: (message: { readonly clientId: string }) => boolean, refusal: Refusal | null): void {
    this.#store((kept) => (kept.some(which) ? kept.filter((it) => !which(it)) : kept));
    const gone = this.#pending.filter(which);
    if (gone.length === 0) return;
    this.#set(this.#pending.filter((it) => !which(it)));
    for (const { clientId } of gone) this.#deliveries.end(clientId, refusal);
  }

  /** Takes others in place of what is in it; of those that are gone nobody knows whether they arrive. */
  #replace(pending: readonly Pending[], why: string): void {
    const left = new Set(pending.map((it) => it.clientId));
    const gone = this.#pending.filter((it) => !left.has(it.clientId));
    this.#set(pending);
    for (const { clientId } of gone) this.#deliveries.end(clientId, unanswered(why));
  }

  #set(pending: readonly Pending[]): void {
    this.#pending = pending;
    this.#options.changed(pending);
  }

  // Storage ----------------------------------------------------------------------------------------

  #read(): readonly Kept[] {
    if (this.#key === null) return [];
    const value = readJson(this.#options.storage, this.#key);
    return Array.isArray(value) ? value.filter(isKept) : [];
  }

  /** Reads, changes and writes in one go: other tabs write there too. Returns whether storage has taken it. */
  #store(change: (kept: readonly Kept[]) => readonly Kept[]): boolean {
    if (this.#key === null) return false;
    const { storage } = this.#options;
    const before = this.#read();
    const after = change(before);
    if (after === before) return true;
    if (after.length > 0) return writeText(storage, this.#key, JSON.stringify(after));
    removeText(storage, this.#key);
    return true;
  }

  /** Another tab has changed it: takes what is new, and lets go of what is gone. */
  #compare(): void {
    const kept = this.#read();
    const here = new Set(kept.map((it) => it.clientId));
    const known = new Set(this.#pending.map((it) => it.clientId));
    const left = this.#pending.filter(
      (it) =>
        here.has(it.clientId) || this.#unkept.has(it.clientId) || it.state === 'sending' || it.seq !== null,
    );
    const foreign = kept.filter((it) => !known.has(it.clientId)).map(revived);
    if (foreign.length === 0 && left.length === this.#pending.length) return;
    const from = this.#options.now();
    const theirs = { from, until: from + FOREIGN_MS };
    for (const { clientId } of foreign) this.#foreign.set(clientId, theirs);
    for (const clientId of this.#foreign.keys()) if (!here.has(clientId)) this.#foreign.delete(clientId);
    this.#replace([...left, ...foreign], 'Another tab has sent it or thrown it away.');
    this.pump();
  }
}

/** How much of a wait is left, in milliseconds. It is over if the clock was set back behind its beginning. */
function left(wait: Wait | undefined, now: number): number {
  return !wait || now < wait.from ? 0 : Math.max(0, wait.until - now);
}

function keep({
  clientId,
  conversation,
  text,
  parent,
  reach,
  thread,
  alsoInRoom,
  files,
  at,
  refusal,
}: Pending): Kept {
  const kept = {
    clientId,
    conversation,
    text,
    parent,
    at,
    ...(reach === null ? {} : { reach }),
    ...(thread === null ? {} : { thread, alsoInRoom }),
    ...(files.length > 0 && { files }),
  };
  if (!refusal) return kept;
  return { ...kept, failed: { code: refusal.code, status: refusal.status, detail: refusal.detail } };
}

function revived({ failed, reach, thread = null, alsoInRoom = false, files, ...kept }: Kept): Pending {
  return {
    ...kept,
    reach: reach ?? null,
    thread,
    alsoInRoom,
    files: Array.isArray(files) ? files : [],
    state: failed ? 'failed' : 'waiting',
    refusal: failed ? new Refusal(failed) : null,
    seq: null,
  };
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const kept = value as Record<string, unknown>;
  const numbers = typeof kept.conversation === 'number' && typeof kept.at === 'number';
  return numbers && typeof kept.clientId === 'string' && typeof kept.text === 'string';
}
