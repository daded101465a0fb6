// Uploads: the bytes of a file on their way to the server. A small one goes with one request, and is begun again if the
// network breaks it off. A larger one goes in parts, by tus 1.0: what has come is not sent again, whatever the network
// does, and also after the program was started anew.
import { Backoff } from './backoff.js';
import type { Core } from './core.js';
import { Refusal, refusalOf, unanswered } from './problem.js';
import { pause } from './timers.js';
import type { File } from './wire.js';

/** A file that a person has chosen; a `File` or `Blob` of the browser is one. */
export interface Bytes {
  readonly name?: string;
  readonly size: number;
  /** Without it the file goes with one request. */
  slice?(from: number, to: number): any;
}

export interface UploadOptions {
  /** The name of a file that has none of its own. */
  readonly name?: string;
  /** Is told how many of its bytes have left; less than before if some must be sent again. */
  readonly onProgress?: (sent: number, total: number) => void;
  /** An `AbortSignal`: the file is not wanted any more. What has come of it is removed. */
  readonly signal?: any;
  /** How often it is tried without getting further; 5 times if absent, 20 times in parts. */
  readonly tries?: number;
  /** A file of more bytes goes in parts; a mebibyte if absent. */
  readonly inParts?: number;
  /** Is told the id of an upload in parts when it is begun; it is the id of the file, once it is whole. */
  readonly onBegin?: (id: string) => void;
  /** The id of an upload that was begun before, of the same bytes: it is gone on with. */
  readonly resume?: string | undefined;
}

/** The response to a request: its status and body, and its headers by name. */
export interface Transferred {
  readonly status: number;
  readonly body: string;
  readonly header?: (name: string) => string | null;
}

/** One request: gives what came of it, or throws if nothing did. */
export type Transfer = (
  address: string,
  headers: Record<string, string>,
  bytes: Bytes | null,
  onProgress: (sent: number) => void,
  signal: any,
  method?: string,
) => Promise<Transferred>;

interface Uploading {
  readonly url: string;
  readonly transfer?: Transfer | null;
  readonly random: () => number;
  readonly withToken: <T>(use: (token: string) => Promise<T>) => Promise<T>;
  readonly pause: (ms: number) => Promise<void>;
}

const TRIES = 5;
/** With growing pauses it is some minutes: a tunnel, or the way home. */
const TRIES_IN_PARTS = 20;
const IN_PARTS = 1 << 20;
/** Bytes of one request at most: some proxies keep a request to themselves until it is whole. */
const PART = 8 << 20;
const nothing = () => {};

/**
 * Uploads a file, and gives what `send` takes in its `files`. It is gone on with if the network breaks it off, a small
 * one begun again; a `Refusal` says why it is not taken, with the code `network` if `signal` has broken it off.
 */
export function uploadFile({ within }: Core, bytes: Bytes, options: UploadOptions = {}): Promise<File> {
  return upload({ ...within, pause }, bytes, options);
}

/** Uploads a file, and returns what is to be named in a message. It waits for a message for a day. */
export async function upload(within: Uploading, bytes: Bytes, options: UploadOptions = {}): Promise<File> {
  const { inParts = IN_PARTS, resume } = options;
  if (typeof bytes.slice === 'function' && (bytes.size > inParts || resume !== undefined)) {
    const file = await new InParts(within, bytes, options).run();
    if (file) return file;
  }
  return whole(within, bytes, options);
}

async function whole(within: Uploading, bytes: Bytes, options: UploadOptions): Promise<File> {
  const { onProgress, signal, tries = TRIES } = options;
  const address = `${base(within)}?name=${encodeURIComponent(nameOf(bytes, options))}`;
  const backoff = new Backoff({ random: within.random });
  for (let tried = 1; ; tried += 1) {
    try {
      return await within.withToken(async (token) => {
        onProgress?.(0, bytes.size);
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
        const progress = (sent: number) => onProgress?.(Math.min(sent, bytes.size), bytes.size);
        return fileIn(await sender(within)(address, headers, bytes, progress, signal));
      });
    } catch (error) {
      if (signal?.aborted) throw aborted();
      if (!(error instanceof Refusal) || !error.passing || tried >= tries) throw error;
      await within.pause(backoff.next(error.retryAfterMs ?? 0));
      if (signal?.aborted) throw aborted();
    }
  }
}

/** An upload in parts. */
class InParts {
  readonly #within: Uploading;
  readonly #bytes: Bytes;
  readonly #options: UploadOptions;
  readonly #backoff: Backoff;
  #id: string | null;
  /** How many bytes have come, as far as is known. */
  #come: number | null = null;
  /** Tries since it last got further. */
  #tried = 0;

  constructor(within: Uploading, bytes: Bytes, options: UploadOptions) {
    this.#within = within;
    this.#bytes = bytes;
    this.#options = options;
    this.#backoff = new Backoff({ random: within.random });
    this.#id = options.resume ?? null;
  }

  /** The file; `null` if the server takes none in parts, as those before feature level 8. */
  async run(): Promise<File | null> {
    const { signal, tries = TRIES_IN_PARTS } = this.#options;
    for (;;) {
      try {
        if (signal?.aborted) throw aborted();
        const file = await this.#step();
        if (file) return file;
      } catch (error) {
        if (signal?.aborted) {
          this.#remove();
          throw aborted();
        }
        if (!(error instanceof Refusal)) throw error;
        if (this.#id === null && (error.status === 404 || error.status === 405)) return null;
        const isGone = error.status === 404;
        if (!isGone && !passes(error)) {
          this.#remove();
          throw error;
        }
        if (isGone) this.#id = null;
        this.#come = null;
        this.#tried += 1;
        if (this.#tried >= tries) throw error;
        await this.#within.pause(this.#backoff.next(error.retryAfterMs ?? 0));
      }
    }
  }

  /** The next request; gives the file after the last. */
  async #step(): Promise<File | null> {
    const { size } = this.#bytes;
    if (this.#id === null) {
      this.#id = await this.#begin();
      this.#come = 0;
      this.#options.onBegin?.(this.#id);
    }
    this.#come ??= await this.#look(this.#id);
    this.#options.onProgress?.(this.#come, size);
    if (this.#come >= size) {
      const details = `${base(this.#within)}/${this.#id}/details`;
      return fileIn(await this.#ask('GET', details, {}));
    }
    this.#come = await this.#append(this.#id, this.#come);
    this.#tried = 0;
    this.#backoff.reset();
    return null;
  }

  async #begin(): Promise<string> {
    const name = new TextEncoder().encode(nameOf(this.#bytes, this.#options));
    const metadata = btoa(String.fromCharCode(...name));
    const answer = await this.#ask('POST', `${base(this.#within)}/uploads`, {
      'upload-length': String(this.#bytes.size),
      'upload-metadata': `filename ${metadata}`,
    });
    const id = answer.header?.('location')?.split('/').pop();
    if (!id) throw unanswered('The answer did not say where the upload is.');
    return id;
  }

  async #look(id: string): Promise<number> {
    return placeIn(await this.#ask('HEAD', `${base(this.#within)}/uploads/${id}`, {}));
  }

  async #append(id: string, from: number): Promise<number> {
    const { size } = this.#bytes;
    const part = this.#bytes.slice?.(from, Math.min(size, from + PART));
    const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(from) };
    const progress = (sent: number) => this.#options.onProgress?.(Math.min(size, from + sent), size);
    return placeIn(await this.#ask('PATCH', `${base(this.#within)}/uploads/${id}`, headers, part, progress));
  }

  /** Nobody waits for it: what is left is removed by the server after a day. */
  #remove(): void {
    if (this.#id === null) return;
    const address = `${base(this.#within)}/uploads/${this.#id}`;
    this.#ask('DELETE', address, {}, null, nothing, null).catch(nothing);
  }

  #ask(
    method: string,
    address: string,
    headers: Record<string, string>,
    bytes: Bytes | null = null,
    progress: (sent: number) => void = nothing,
    signal: any = this.#options.signal,
  ): Promise<Transferred> {
    return this.#within.withToken(async (token) => {
      const all = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...headers };
      const answer = await sender(this.#within)(address, all, bytes, progress, signal, method);
      const { status, body } = answer;
      if (status >= 200 && status < 300) return answer;
      // The answer to a HEAD has no body that would say it.
      if (status === 401 && body === '') throw new Refusal({ code: 'unauthenticated', status });
      throw refusalOf(status, parsed(body));
    });
  }
}

/** Whether it can be gone on with: another request may have gone on with it, or the same one that seemed broken. */
function passes(error: Refusal): boolean {
  return error.passing || error.status === 409 || error.status === 423;
}

const base = ({ url }: Uploading) => `${url.replace(/\/+$/, '')}/v1/files`;
const nameOf = (bytes: Bytes, options: UploadOptions) => options.name ?? bytes.name ?? 'file';
const sender = ({ transfer }: Uploading) => transfer ?? transferred;

/** Its sender does not want it any more. */
function aborted(): Refusal {
  return unanswered('The upload was broken off.');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function placeIn({ header }: Transferred): number {
  const place = Number(header?.('upload-offset') ?? NaN);
  if (!Number.isSafeInteger(place)) throw unanswered('The answer did not say how far the upload has come.');
  return place;
}

function fileIn({ status, body }: Transferred): File {
  const value = parsed(body);
  if (status < 200 || status >= 300) throw refusalOf(status, value);
  if (typeof (value as { id?: unknown } | undefined)?.id !== 'string')
    throw unanswered('The answer was no file.');
  return value as File;
}

/** A request by `XMLHttpRequest`, which alone tells how much has left; by `fetch` where there is none. */
export const transferred: Transfer = (address, headers, bytes, onProgress, signal, method = 'POST') => {
  const { XMLHttpRequest: Request } = globalThis as any;
  if (typeof Request !== 'function') return byFetch(address, headers, bytes, signal, method);
  return new Promise((resolve, reject) => {
    const request = new Request();
    const failed = () => reject(unanswered('The file could not be sent.'));
    const abort = () => request.abort();
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }: { loaded: number }) => onProgress(loaded);
    const header = (name: string) => request.getResponseHeader(name);
    request.onload = () => resolve({ status: request.status, body: request.responseText, header });
    for (const event of ['onerror', 'onabort', 'ontimeout']) request[event] = failed;
    request.onloadend = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) return failed();
    signal?.addEventListener('abort', abort);
    request.send(bytes);
  });
};

async function byFetch(
  address: string,
  headers: Record<string, string>,
  bytes: Bytes | null,
  signal: any,
  method: string,
) {
  try {
    const request = { method, headers, body: bytes as any, redirect: 'error', signal } as const;
    const response = await globalThis.fetch(address, request);
    const header = (name: string) => response.headers.get(name);
    return { status: response.status, body: await response.text(), header };
  } catch (error) {
    throw unanswered(error instanceof Error ? error.message : String(error));
  }
}
