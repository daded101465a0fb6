import { uploadFile, uuid, type File as Uploaded } from '@palabre/sdk';
import { bytes } from '../i18n.svelte';
import { client, town } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from './attachedWords';
import type { Attachments } from './attachments.svelte';
import { forget, keep, restore, type Row } from './unfinished';

/** Uploads of one conversation that are under way at the same time. */
const AT_ONCE = 3;

/** A file that will go with the next message. */
export class Attachment {
  readonly file: File;
  readonly draft: string;
  readonly key: string;
  /** The id of its upload, if it goes in parts and was begun. */
  begun: string | undefined;
  /** Bytes that have left. */
  sent = $state(0);
  /** Why it could not be uploaded. */
  wrong = $state.raw<unknown>(null);
  uploaded = $state.raw<Uploaded | null>(null);
  #abort: AbortController | null = null;

  constructor(draft: string, file: File, { key = uuid(), begun, uploaded }: Partial<Row> = {}) {
    this.draft = draft;
    this.file = file;
    this.key = key;
    this.begun = begun;
    this.uploaded = uploaded ?? null;
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
      const onBegin = (id: string) => {
        this.begun = id;
        this.keep();
      };
      const { signal } = abort;
      const { begun: resume } = this;
      this.uploaded = await uploadFile(client, this.file, { onProgress, onBegin, signal, resume });
      if (!signal.aborted) this.keep();
    } catch (error) {
      if (!abort.signal.aborted) this.wrong = error;
    }
  }

  /** It is there again after a reload, where the browser has room for it. */
  keep(): void {
    const { key, draft, file, begun, uploaded } = this;
    keep({ key, draft, file, begun, uploaded: uploaded ?? undefined }).catch(() => {});
  }

  forget(): void {
    forget(this.key).catch(() => {});
  }

  again(): void {
    this.wrong = this.#abort = null;
    this.sent = 0;
  }

  /** It is not wanted any more. */
  drop(): void {
    this.#abort?.abort();
    this.forget();
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
  const added = fits.slice(0, room).map((file) => new Attachment(to.draft, file));
  for (const one of added) one.keep();
  to.list = [...to.list, ...added];
  pump(to);
}

/** Takes up what was waiting before the page was loaded. */
export async function takeUp(to: Attachments): Promise<void> {
  const rows = await restore(to.draft).catch(() => []);
  to.list = [...rows.map((row) => new Attachment(to.draft, row.file, row)), ...to.list];
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
