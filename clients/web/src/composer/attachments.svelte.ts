import type { Writing } from './writing.svelte';
import type { File as Uploaded } from '@palabre/sdk';
import { bytes } from '../i18n.svelte';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './attachmentWords';

/** Uploads of one conversation that are under way at the same time. */
const AT_ONCE = 3;

/** A file that will go with the next message. */
export class Attachment {
  readonly file: File;
  /** Bytes that have left. */
  sent = $state(0);
  /** Why it could not be uploaded. */
  wrong = $state.raw<unknown>(null);
  uploaded = $state.raw<Uploaded | null>(null);
  #abort: AbortController | null = null;

  constructor(file: File) {
    this.file = file;
  }

  get waits(): boolean {
    return this.#abort === null && this.uploaded === null && this.wrong === null;
  }

  get isUnderWay(): boolean {
    return this.#abort !== null && this.uploaded === null && this.wrong === null;
  }

  async upload(): Promise<void> {
    const abort = (this.#abort = new AbortController());
    try {
      const onProgress = (sent: number) => (this.sent = sent);
      this.uploaded = await client.upload(this.file, { onProgress, signal: abort.signal });
    } catch (error) {
      if (!abort.signal.aborted) this.wrong = error;
    }
  }

  again(): void {
    this.wrong = this.#abort = null;
    this.sent = 0;
  }

  /** It is not wanted any more. */
  drop(): void {
    this.#abort?.abort();
    const { uploaded } = this;
    // What cannot be removed now is removed by the server when no message has come for it.
    if (uploaded) client.command('file.remove', { file: uploaded.id }).catch(() => {});
  }
}

/** The files of the next message of a conversation: they are uploaded while one writes. */
export class Attachments {
  list = $state.raw<readonly Attachment[]>([]);

  add(files: readonly File[]): void {
    const { files_per_message: most = 10, file_bytes: size = Infinity } = town.state.limits ?? {};
    const fits = files.filter((file) => file.size <= size);
    for (const file of files) {
      if (file.size > size) toast(t().tooLarge(file.name, bytes(size)), 'error');
    }
    const room = Math.max(0, most - this.list.length);
    if (fits.length > room) toast(t().tooMany(most), 'error');
    this.list = [...this.list, ...fits.slice(0, room).map((file) => new Attachment(file))];
    this.#pump();
  }

  remove(one: Attachment): void {
    this.list = this.list.filter((other) => other !== one);
    one.drop();
    this.#pump();
  }

  retry(one: Attachment): void {
    one.again();
    this.#pump();
  }

  /** Whether all are uploaded. */
  get ready(): boolean {
    return this.list.every(({ uploaded }) => uploaded !== null);
  }

  /** Gives them to a message. */
  take(): Uploaded[] {
    const taken = this.list.flatMap(({ uploaded }) => uploaded ?? []);
    this.list = [];
    return taken;
  }

  #pump(): void {
    const free = AT_ONCE - this.list.filter((one) => one.isUnderWay).length;
    for (const one of this.list.filter(({ waits }) => waits).slice(0, Math.max(0, free))) {
      void one.upload().then(() => this.#pump());
    }
  }
}

const known = new Map<string, Attachments>();
client.on('signedOut', () => known.clear());

/** Those of a draft; they stay while one looks elsewhere. */
export function attachmentsOf(draft: string): Attachments {
  let found = known.get(draft);
  if (!found) known.set(draft, (found = new Attachments()));
  return found;
}

/** Whether what is written can be sent with its files, or kept if it is a change of a message. */
export function readyToSend(writing: Writing, attachments: Attachments): boolean {
  if (writing.edit !== null) return writing.readyWith(writing.editing?.files?.length ?? 0);
  return attachments.ready && writing.readyWith(attachments.list.length);
}
