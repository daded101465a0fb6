import type { Message } from '@palabre/sdk';
import { draft, keepDraft } from '../town/drafts.svelte';
import { reason } from '../town/problems';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';

/** The text in the composer: the conversation's draft, or one's own message while it is edited. */
export class Writing {
  text = $state('');
  readonly #conversation: number;
  #edited: Message | null = null;
  #saving = false;

  constructor(conversation: number) {
    this.#conversation = conversation;
    this.text = draft(conversation);
  }

  /** How long it may be. */
  get most(): number {
    return town.state.limits?.message_length ?? 2000;
  }

  /** Characters as the server counts them: Unicode scalars. */
  get length(): number {
    return [...this.text].length;
  }

  /** Whether it can be sent or saved. */
  get ready(): boolean {
    return this.text.trim() !== '' && this.length <= this.most;
  }

  /** The message that is edited takes the place of the draft, and gives it back. */
  edit(message: Message | null): void {
    if (message === this.#edited) return;
    this.#edited = message;
    this.text = message ? (message.text ?? '') : draft(this.#conversation);
  }

  /** The text was changed by its writer. */
  changed(): void {
    if (this.#edited) return;
    keepDraft(this.#conversation, this.text);
    client.typing(this.#conversation, this.text.trim() !== '');
  }

  /** The writer has gone elsewhere. */
  left(): void {
    if (!this.#edited) client.typing(this.#conversation, false);
  }

  /** Sends the draft as the answer to a message, or as one by itself. */
  send(replyTo: Message | null): void {
    client.send(this.#conversation, this.text.trim(), replyTo ? { parent: replyTo.seq } : {});
    client.typing(this.#conversation, false);
    this.text = '';
    keepDraft(this.#conversation, '');
  }

  /** Saves the message that is edited; false if it was not. The text stays after a refusal. */
  async save(): Promise<boolean> {
    if (!this.#edited || this.#saving) return false;
    const { conversation, seq, text: before } = this.#edited;
    const text = this.text.trim();
    this.#saving = true;
    try {
      if (text !== before) await client.command('message.edit', { conversation, seq, text });
      return true;
    } catch (error) {
      toast(reason(error), 'error');
      return false;
    } finally {
      this.#saving = false;
    }
  }
}
