// A server that is made up, with conversations in which things happen; it can break, forget and be rude.
import { memoryStorage, type Bot, type Conversation, type KeyValue, type Message } from '../../src/index.js';
import { conversation, message } from './made.js';
import { Scripted, type Command, type Fake, type Reply } from './scripted.js';

export const BOT = 1;

interface Talk {
  readonly id: number;
  head: number;
  readonly messages: Message[];
  /** The number with which the bot came in; `null` while it is no member. */
  joined: number | null;
}

export class World {
  readonly server = new Scripted();
  readonly talks = new Map<number, Talk>();
  /** More changes than this are answered by a reset. */
  catchUp = 5;
  pageSize = 3;
  /** The answer to a command in place of the right one; undefined for that. */
  trouble: (command: Command) => Reply | undefined = () => undefined;
  readonly #started = Date.UTC(2026, 0, 1);
  #clock = 0;
  #ids = 0;
  #account: { readonly seq: number; readonly frame: Readonly<Record<string, unknown>> }[] = [];
  #accountSeq = 0;

  constructor() {
    this.server.answer = (command) => this.trouble(command) ?? this.#answer(command);
    this.server.entered = (socket, greeting) => this.#catchUp(socket, greeting);
    this.server.heads = [];
    this.server.accountSeq = 0;
  }

  /** The bot, and what it was told. */
  async bot(storage: KeyValue = memoryStorage()): Promise<Bot> {
    const bot = this.server.client(storage);
    if (!bot.signedIn) await bot.logIn({ username: 'ann', password: 'correct horse' });
    return bot;
  }

  /** A conversation in which the bot is. */
  open(id: number): void {
    this.talks.set(id, { id, head: 1, messages: [], joined: null });
    this.bring(id);
  }

  say(id: number, author = 2): Message | null {
    const talk = this.#talk(id);
    const seq = (talk.head += 1);
    const said = message(seq, {
      id: (this.#ids += 1),
      conversation: id,
      author: { id: author, username: author === BOT ? 'ann' : 'bob' },
      created_at: this.#now(),
    });
    talk.messages.push(said);
    this.#publish(talk, 'message.created', said);
    return said;
  }

  edit(id: number, at: number): void {
    this.#change(id, at, (it, rev) => ({ ...it, rev, text: `${it.text} edited` }), 'message.edited');
  }

  delete(id: number, at: number): void {
    const gone = (it: Message, rev: number) => ({ ...it, rev, text: null, deleted_at: this.#now() });
    this.#change(id, at, gone, 'message.deleted');
  }

  /** Something else happens. */
  rename(id: number): void {
    const talk = this.#talk(id);
    talk.head += 1;
    this.#publish(talk, 'conversation.updated', this.#row(talk));
  }

  /** The bot is brought in. */
  bring(id: number): void {
    const talk = this.#talk(id);
    if (talk.joined !== null) return;
    talk.joined = talk.head += 1;
    this.#tellOwn({ type: 'conversation.added', conversation: id, data: this.#row(talk) });
  }

  /** The bot is put out. */
  remove(id: number): void {
    const talk = this.#talk(id);
    if (talk.joined === null) return;
    talk.joined = null;
    talk.head += 1;
    this.#tellOwn({ type: 'conversation.removed', conversation: id, data: { reason: 'removed' } });
  }

  /** So many people come, and the bot is told of their count. */
  crowd(id: number, people: number): void {
    const talk = this.#talk(id);
    const from = talk.head + 1;
    talk.head += people;
    this.#publish(talk, 'members.changed', { from, to: talk.head, member_count: 200 + people });
  }

  cut(): void {
    for (const socket of this.server.sockets.splice(0)) socket.cut();
  }

  /** Things happen of which the open connection is told in one piece, or by a reset. */
  unheard(id: number, deeds: () => void): void {
    const talk = this.#talk(id);
    const from = talk.head;
    const sockets = this.server.sockets.splice(0);
    deeds();
    this.server.sockets.push(...sockets);
    if (talk.joined !== null)
      this.#tell({ type: 'conversation.changes', conversation: id, data: this.#changes(talk, from) });
  }

  /** The database comes back with less: the last changes of each conversation are gone, and another history begins. */
  forget(changes: number): Message[] {
    const lost: Message[] = [];
    for (const talk of this.talks.values()) {
      const head = Math.max(talk.joined ?? 1, talk.head - changes);
      const kept = talk.messages.filter(({ rev }) => rev <= head);
      lost.push(...talk.messages.filter((it) => !kept.includes(it)));
      talk.messages.splice(0, Infinity, ...kept);
      talk.head = head;
    }
    this.server.epoch += 'x';
    this.#heads();
    this.cut();
    return lost;
  }

  #talk(id: number): Talk {
    const talk = this.talks.get(id);
    if (!talk) throw new Error(`there is no conversation ${id}`);
    return talk;
  }

  #now(): string {
    return new Date(this.#started + (this.#clock += 1)).toISOString();
  }

  #row(talk: Talk): Conversation {
    const change = { id: talk.id, read_seq: talk.joined ?? 0, last_message: talk.messages.at(-1) ?? null };
    return conversation(talk.head, change);
  }

  #change(id: number, at: number, change: (it: Message, rev: number) => Message, type: string): void {
    const talk = this.#talk(id);
    const known = talk.messages[at % Math.max(1, talk.messages.length)];
    if (!known || known.deleted_at !== null) return;
    const changed = change(known, (talk.head += 1));
    talk.messages.splice(talk.messages.indexOf(known), 1, changed);
    this.#publish(talk, type, changed);
  }

  #publish(talk: Talk, type: string, data: unknown): void {
    this.#heads();
    if (talk.joined !== null) this.#tell({ type, conversation: talk.id, seq: talk.head, data });
  }

  #tellOwn(frame: Readonly<Record<string, unknown>>): void {
    const seq = (this.#accountSeq += 1);
    this.#account.push({ seq, frame: { ...frame, account_seq: seq } });
    this.#heads();
    this.#tell({ ...frame, account_seq: seq });
  }

  #tell(frame: Readonly<Record<string, unknown>>): void {
    for (const socket of this.server.sockets) socket.hear(frame);
  }

  #heads(): void {
    const mine = [...this.talks.values()].filter(({ joined }) => joined !== null);
    this.server.heads = mine.map(({ id, head }) => [id, head]);
    this.server.accountSeq = this.#accountSeq;
  }

  #catchUp(socket: Fake, greeting: Readonly<Record<string, unknown>>): void {
    const { cursors = {}, account_seq } = greeting as {
      cursors?: Record<string, number>;
      account_seq?: number;
    };
    if (account_seq !== undefined)
      for (const { seq, frame } of this.#account) if (seq > account_seq) socket.hear(frame);
    for (const [id, cursor] of Object.entries(cursors)) {
      const talk = this.talks.get(Number(id));
      if (talk && talk.joined !== null && cursor !== talk.head)
        socket.hear({
          type: 'conversation.changes',
          conversation: talk.id,
          data: this.#changes(talk, cursor),
        });
    }
  }

  #changes(talk: Talk, from: number) {
    const reset = from > talk.head || talk.head - from > this.catchUp;
    const messages = reset ? [] : talk.messages.filter(({ rev }) => rev > from);
    return { from, to: talk.head, reset, more: false, conversation: this.#row(talk), members: [], messages };
  }

  #answer({ type, data }: Command): Reply | undefined {
    this.#heads();
    if (type === 'conversation.list') {
      const mine = [...this.talks.values()].filter(({ joined }) => joined !== null);
      return { data: { conversations: mine.map((it) => this.#row(it)), next_cursor: null } };
    }
    if (type === 'account.sync') {
      const events = this.#account.filter(({ seq }) => seq > Number(data.since)).map(({ frame }) => frame);
      return { data: { from: data.since, to: this.#accountSeq, reset: false, more: false, events } };
    }
    const talk = this.talks.get(Number(data.conversation));
    if (data.conversation === undefined) return undefined;
    if (!talk || talk.joined === null) return { refused: 'not_found', status: 404 };
    if (type === 'conversation.get') return { data: this.#row(talk) };
    if (type === 'conversation.sync') return { data: this.#changes(talk, Number(data.since)) };
    return type === 'message.history' ? { data: this.#history(talk, data) } : undefined;
  }

  #history({ messages, head }: Talk, { before_seq, after_seq }: Readonly<Record<string, unknown>>) {
    const before = typeof before_seq === 'number' ? before_seq : Infinity;
    const after = typeof after_seq === 'number' ? after_seq : null;
    const fitting = messages.filter(({ seq }) => seq < before && seq > (after ?? 0));
    const page = after === null ? fitting.slice(-this.pageSize) : fitting.slice(0, this.pageSize);
    const [first, last] = [page[0]?.seq ?? Infinity, page.at(-1)?.seq ?? 0];
    return {
      messages: page,
      head,
      has_more_before: messages.some(({ seq }) => seq < first && first !== Infinity),
      has_more_after: messages.some(({ seq }) => seq > last && last !== 0),
    };
  }
}
