import { draftKey, hasVisible, isInRoom, knowsAccount, type File, type Message } from '@palabre/sdk';
import { complain } from '../town/complaint';
import * as drafts from '../town/drafts.svelte';
import { fetchQuoted, quoted } from '../town/quotes.svelte';
import { client, town } from '../town/town.svelte';
import type { Held } from '../voice/holding.svelte';

/** A text as it is sent: as it was written, but for empty lines before it and blanks behind. Its indent stays. */
const sent = (text: string) => text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd();

/** The text in the composer: the conversation's draft, or that of one's own message while it is edited. */
export class Writing {
  readonly conversation: number;
  /** The `seq` of the message in whose thread it will stand; null in the room. */
  readonly thread: number | null;
  /** A reply in a thread will stand in the room as well. */
  alsoInRoom = $state(false);
  /** A voice message is recorded; as long as its button is held, or until somebody ends it. */
  recording = $state.raw<Held | boolean>(false);
  /** The `seq` of the message that is edited. */
  edit = $state<number | null>(null);
  #edited: Message | null = null;
  /** The edit has a draft. */
  #kept = false;
  /** Nothing was written since the conversation was opened. */
  #opening = true;
  #saving = false;

  constructor(conversation: number, thread: number | null = null) {
    this.conversation = conversation;
    this.thread = thread;
    // An edit that was begun elsewhere is taken up in the room.
    this.#opening = thread === null;
  }

  /** Of the draft. */
  get key(): string {
    return draftKey(this.conversation, this.edit, this.thread);
  }

  get text(): string {
    return drafts.draft(this.key)?.text ?? this.#before;
  }

  set text(text: string) {
    this.#write(text, this.parent);
  }

  /** The text without a draft. */
  get #before(): string {
    return this.editing?.text ?? '';
  }

  /** The `seq` of the message that the next one answers. */
  get parent(): number | null {
    return drafts.draft(this.key)?.parent ?? null;
  }

  /** The message that is edited. */
  get editing(): Message | null {
    return this.edit === null ? null : (quoted(this.conversation, this.edit) ?? this.#edited);
  }

  /** The message that the next one answers, once it is here. */
  get replyTo(): Message | null {
    return this.parent === null ? null : (quoted(this.conversation, this.parent) ?? null);
  }

  /** How long it may be. */
  get most(): number {
    return town.state.limits?.message_length ?? 2000;
  }

  /** Characters as the server counts them: Unicode scalars. */
  get length(): number {
    return [...this.text].length;
  }

  /** Whether it can be sent or saved; with files it needs no text. */
  readyWith(files: number): boolean {
    return (files > 0 || hasVisible(this.text)) && [...sent(this.text)].length <= this.most;
  }

  /** A text that another device wrote at the same time. */
  get other(): drafts.Written | undefined {
    return drafts.otherDraft(this.key);
  }

  /** The next message answers this one. */
  reply({ seq }: Message): void {
    this.edit = null;
    this.#write(this.text, seq);
  }

  /** The message that is edited takes the place of the draft, and gives it back. */
  begin(message: Message): void {
    this.#opening = false;
    this.#edited = message;
    this.#kept = false;
    this.edit = message.seq;
  }

  /** Gives the edit up, or the answer. */
  stop(): void {
    if (this.edit === null) return this.#write(this.text, null);
    drafts.drop(this.key);
    this.edit = null;
  }

  /** Follows what was begun here or elsewhere: loads the quote, and takes up an edit if nothing else is written. */
  follow(): void {
    if (this.edit !== null) {
      const before = this.#kept;
      this.#kept = drafts.draft(this.key) !== undefined;
      // Another device has saved the edit, or given it up.
      if (before && !this.#kept) this.edit = null;
    }
    if (town.state.line === 'online' && this.parent !== null) fetchQuoted(this.conversation, this.parent);
    if (!this.#opening) return;
    const [seq] = drafts.edits(this.conversation);
    if (seq === undefined || this.text !== '' || this.parent !== null) {
      // An edit that somebody begins elsewhere later on is not to come between.
      if (knowsAccount(town.state)) this.#opening = false;
      return;
    }
    const message = quoted(this.conversation, seq);
    if (message === undefined) fetchQuoted(this.conversation, seq);
    else if (message && !isInRoom(message)) this.#opening = false;
    else if (message?.text && message.author.id === town.me?.id) this.begin(message);
    else drafts.orphan(draftKey(this.conversation, seq));
  }

  /** The text was changed by its writer. */
  changed(): void {
    if (this.edit === null) client.typing(this.conversation, this.text.trim() !== '', this.thread);
  }

  /** An input method begins or ends composing. */
  compose(on: boolean): void {
    drafts.compose(this.key, on);
  }

  /** The writer has gone elsewhere. */
  left(): void {
    if (this.edit === null) client.typing(this.conversation, false, this.thread);
  }

  /** The conversation is closed. */
  close(): void {
    drafts.saveNow(this.key);
  }

  /** Whether the draft may call many, and the server can be asked how many. Older servers call nobody. */
  get mayCall(): boolean {
    return /[@\uff20]/u.test(this.text) && town.state.userGroups !== null && town.state.line === 'online';
  }

  /** How many people the draft would reach, if that must be confirmed; null if it need not. */
  async reach(): Promise<number | null> {
    const { conversation, text } = this;
    const answer = await client.command('message.reach', { conversation, text: sent(text) });
    return answer.must_confirm ? answer.people : null;
  }

  /** Sends the draft; `reach` is how many people its writer has agreed to reach, with these files. */
  send(reach: number | null = null, files: readonly File[] = []): void {
    // A message that is no longer there cannot be answered.
    const { parent: wanted, conversation } = this;
    const parent = wanted !== null && quoted(conversation, wanted) !== null ? wanted : null;
    const clientId = drafts.clientIdOf(this.key);
    const inThread = this.thread === null ? {} : { thread: this.thread, alsoInRoom: this.alsoInRoom };
    client.send(this.conversation, sent(this.text), {
      clientId,
      ...(parent === null ? {} : { parent }),
      ...(reach === null ? {} : { reach }),
      ...inThread,
      ...(files.length > 0 && { files }),
    });
    this.alsoInRoom = false;
    client.typing(this.conversation, false, this.thread);
    this.#opening = false;
    drafts.drop(this.key);
  }

  /** Saves the message that is edited. The text stays after a refusal. */
  async save(): Promise<void> {
    const { edit: seq, editing, conversation } = this;
    if (seq === null || this.#saving) return;
    const text = sent(this.text);
    this.#saving = true;
    try {
      if (text !== editing?.text) await client.command('message.edit', { conversation, seq, text });
      drafts.drop(draftKey(conversation, seq));
      if (this.edit === seq) this.edit = null;
    } catch (error) {
      void complain(error);
    } finally {
      this.#saving = false;
    }
  }

  #write(text: string, parent: number | null): void {
    this.#opening = false;
    if (text === this.#before && parent === null) {
      this.#kept = false;
      drafts.drop(this.key);
    } else drafts.write(this.key, { text, parent });
  }
}
