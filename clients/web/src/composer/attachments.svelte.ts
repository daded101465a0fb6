import type { File as Uploaded } from '@palabre/sdk';
import { kept } from '../kept';
import { client } from '../town/town.svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from '../ui/words';
import type { Attachment } from './uploading.svelte';
import type { Writing } from './writing.svelte';

/** The files of the next message of a conversation: they are uploaded while one writes. */
export class Attachments {
  readonly draft: string;
  list = $state.raw<readonly Attachment[]>([]);
  /** Calls of `add` whose files are not in the list yet. */
  #coming = $state(0);

  constructor(draft: string) {
    this.draft = draft;
    // Some were waiting when the page was left.
    if (kept('uploads')) import('./uploading.svelte').then(({ takeUp }) => takeUp(this)).catch(() => {});
  }

  /** The uploading code is loaded with the first file. */
  async add(files: readonly File[]): Promise<void> {
    this.#coming += 1;
    const uploading = await import('./uploading.svelte').catch(() => null);
    this.#coming -= 1;
    if (uploading) uploading.attach(this, files);
    else toast(t().notLoaded, 'error');
  }

  /** Whether all are uploaded. */
  get ready(): boolean {
    return this.#coming === 0 && this.list.every(({ uploaded }) => uploaded !== null);
  }

  /** Gives them to a message. */
  take(): Uploaded[] {
    const taken = this.list.flatMap(({ uploaded }) => uploaded ?? []);
    for (const one of this.list) one.forget();
    this.list = [];
    return taken;
  }
}

const known = new Map<string, Attachments>();
client.on('signedOut', () => {
  known.clear();
  if (kept('uploads')) import('./unfinished').then(({ clear }) => clear()).catch(() => {});
});

/** Those of a draft; they stay while one looks elsewhere. */
export function attachmentsOf(draft: string): Attachments {
  let found = known.get(draft);
  if (!found) known.set(draft, (found = new Attachments(draft)));
  return found;
}

/** Whether what is written can be sent with its files, or kept if it is a change of a message. */
export function readyToSend(writing: Writing, attachments: Attachments): boolean {
  if (writing.edit !== null) return writing.readyWith(writing.editing?.files?.length ?? 0);
  return attachments.ready && writing.readyWith(attachments.list.length);
}
