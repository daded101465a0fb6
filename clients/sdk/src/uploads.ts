// Uploads: the bytes of a file on their way to the server. One that is broken off by the network is begun again.
import { Backoff } from './backoff.js';
import type { Core } from './core.js';
import { Refusal, refusalOf, unanswered } from './problem.js';
import { pause } from './timers.js';
import type { File } from './wire.js';

/** A file that a person has chosen; a `File` or `Blob` of the browser is one. */
export interface Bytes {
  readonly name?: string;
  readonly size: number;
}

export interface UploadOptions {
  /** What it is called, if it has no name of its own. */
  readonly name?: string;
  /** Is told how many of its bytes have left; less than before if it is begun again. */
  readonly onProgress?: (sent: number, total: number) => void;
  /** An `AbortSignal`. */
  readonly signal?: any;
  /** How often it is tried; 5 times if absent. */
  readonly tries?: number;
}

/** One try: gives the answer's status and body, or throws if none came. */
export type Transfer = (
  address: string,
  headers: Record<string, string>,
  bytes: Bytes,
  onProgress: (sent: number) => void,
  signal: any,
) => Promise<{ readonly status: number; readonly body: string }>;

interface Uploading {
  readonly url: string;
  readonly transfer: Transfer;
  readonly random: () => number;
  readonly withToken: <T>(use: (token: string) => Promise<T>) => Promise<T>;
  readonly pause: (ms: number) => Promise<void>;
}

const TRIES = 5;

/**
 * Uploads a file, and gives what `send` takes in its `files`. It is begun again if the network breaks it off; a
 * `Refusal` says why it is not taken, with the code `network` if `signal` has broken it off.
 */
export function uploadFile({ within }: Core, bytes: Bytes, options: UploadOptions = {}): Promise<File> {
  return upload({ ...within, transfer: within.transfer ?? transferred, pause }, bytes, options);
}

/** Uploads a file, and returns what is to be named in a message. It waits for a message for a day. */
export async function upload(within: Uploading, bytes: Bytes, options: UploadOptions = {}): Promise<File> {
  const { onProgress, signal, tries = TRIES } = options;
  const name = options.name ?? bytes.name ?? 'file';
  const address = `${within.url.replace(/\/+$/, '')}/v1/files?name=${encodeURIComponent(name)}`;
  const backoff = new Backoff({ random: within.random });
  for (let tried = 1; ; tried += 1) {
    try {
      return await within.withToken(async (token) => {
        onProgress?.(0, bytes.size);
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
        const progress = (sent: number) => onProgress?.(Math.min(sent, bytes.size), bytes.size);
        return answered(await within.transfer(address, headers, bytes, progress, signal));
      });
    } catch (error) {
      if (signal?.aborted) throw aborted();
      if (!(error instanceof Refusal) || !error.passing || tried >= tries) throw error;
      await within.pause(backoff.next(error.retryAfterMs ?? 0));
      if (signal?.aborted) throw aborted();
    }
  }
}

/** Its sender does not want it any more. */
function aborted(): Refusal {
  return unanswered('The upload was broken off.');
}

function answered({ status, body }: { readonly status: number; readonly body: string }): File {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (status < 200 || status >= 300) throw refusalOf(status, value);
  if (typeof (value as { id?: unknown } | undefined)?.id !== 'string')
    throw unanswered('The answer was no file.');
  return value as File;
}

/** A try by `XMLHttpRequest`, which alone tells how much has left; by `fetch` where there is none. */
export const transferred: Transfer = (address, headers, bytes, onProgress, signal) => {
  const { XMLHttpRequest: Request } = globalThis as any;
  if (typeof Request !== 'function') return byFetch(address, headers, bytes, signal);
  return new Promise((resolve, reject) => {
    const request = new Request();
    const failed = () => reject(unanswered('The file could not be sent.'));
    const abort = () => request.abort();
    request.open('POST', address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }: { loaded: number }) => onProgress(loaded);
    request.onload = () => resolve({ status: request.status, body: request.responseText });
    for (const event of ['onerror', 'onabort', 'ontimeout']) request[event] = failed;
    request.onloadend = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) return failed();
    signal?.addEventListener('abort', abort);
    request.send(bytes);
  });
};

async function byFetch(address: string, headers: Record<string, string>, bytes: Bytes, signal: any) {
  try {
    const request = { method: 'POST', headers, body: bytes as any, redirect: 'error', signal } as const;
    const response = await globalThis.fetch(address, request);
    return { status: response.status, body: await response.text() };
  } catch (error) {
    throw unanswered(error instanceof Error ? error.message : String(error));
  }
}
