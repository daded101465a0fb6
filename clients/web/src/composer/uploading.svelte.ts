import { uploadFile, type File as Uploaded } from '@palabre/sdk';
import { bytes } from '../i18n.svelte';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './attachedWords';
import type { Attachments } from './attachments.svelte';

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
      this.uploaded = await uploadFile(client, this.file, { onProgress, signal: abort.signal });
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

/** Takes files for the next message, as many and as large as it may have, and begins to upload them. */
export function attach(to: Attachments, files: readonly File[]): void {
  const { files_per_message: most = 10, file_bytes: size = Infinity } = town.state.limits ?? {};
  const fits = files.filter((file) => file.size <= size);
  for (const file of files) {
    if (file.size > size) toast(t().tooLarge(file.name, bytes(size)), 'error');
  }
  const room = Math.max(0, most - to.list.length);
  if (fits.length > room) toast(t().tooMany(most), 'error');
  to.list = [...to.list, ...fits.slice(0, room).map((file) => new Attachment(file))];
  pump(to);
}

export function remove(from: Attachments, one: Attachment): void {
  from.list = from.list.filter((other) => other !== one);
  one.drop();
  pump(from);
}

export function retry(of: Attachments, one: Attachment): void {
  one.again();
  pump(of);
}

function pump(all: Attachments): void {
  const free = AT_ONCE - all.list.filter((one) => one.isUnderWay).length;
  for (const one of all.list.filter(({ waits }) => waits).slice(0, Math.max(0, free))) {
    void one.upload().then(() => pump(all));
  }
}
