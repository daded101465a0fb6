// One REST call for each command, by the generated table.
import { lazy } from './lazy.js';
import { firstOperations, type Operation } from './operation.js';
import { Refusal, refusalOf, unanswered } from './problem.js';
import type { AnswerOf, CommandType, DataOf } from './wire.js';

/** The part of `fetch` that the SDK needs; written down here, because not every program has the browser's types. */
export type Fetch = (address: string, request: FetchRequest) => Promise<FetchResponse>;

export interface FetchRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly redirect: 'error';
  /** An `AbortSignal`. */
  readonly signal: any;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
}

export interface RestOptions {
  /** The server's address: scheme, host, port, and a path if a proxy adds one. */
  readonly url: string;
  readonly fetch: Fetch;
  /** How long to wait for an answer, in milliseconds. */
  readonly patience?: number;
}

const PATIENCE = 30_000;

export class Rest {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #patience: number;

  constructor(options: RestOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#fetch = options.fetch;
    this.#patience = options.patience ?? PATIENCE;
  }

  /** Gives a command; `token` is needed by all but the visits. */
  async command<T extends CommandType>(type: T, data: DataOf<T>, token: string | null): Promise<AnswerOf<T>> {
    // Without waiting where that can be: a page that is being left has no time.
    const operation = firstOperations[type] ?? (await operationOf(type));
    if (!operation)
      throw new Refusal({ code: 'unknown_command', status: 404, detail: `${type} needs the socket.` });
    const { path, body } = requestOf(operation, data as Readonly<Record<string, unknown>>);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== null && operation.secured) headers.authorization = `Bearer ${token}`;
    if (body !== null) headers['content-type'] = 'application/json';
    const request = { method: operation.method, headers, body: body && JSON.stringify(body) };
    return (await this.#call(this.#url + path, request)) as AnswerOf<T>;
  }

  /** Asks for the cookie with which a browser reads files by their addresses. */
  async filesCookie(token: string): Promise<void> {
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    await this.#call(`${this.#url}/v1/files/cookie`, { method: 'POST', headers, body: null });
  }

  async #call(url: string, request: Pick<FetchRequest, 'method' | 'headers' | 'body'>): Promise<unknown> {
    let response: FetchResponse;
    let text: string;
    try {
      const fetch = this.#fetch;
      response = await fetch(url, {
        ...request,
        signal: AbortSignal.timeout(this.#patience),
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      throw unanswered(error instanceof Error ? error.message : String(error));
    }
    const body = parse(text);
    if (!response.ok) throw refusalOf(response.status, body);
    if (response.status === 204) return {};
    if (body === undefined) throw unanswered('The answer was not JSON.');
    return body;
  }
}

/** The whole table is loaded when it is first needed: while there is a socket, it is not. */
async function operationOf(type: CommandType): Promise<Operation | null> {
  return (await lazy(() => import('./operations.js'))).operations[type];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A command as a REST call: its path with the query, and the fields of its body. */
export function requestOf(
  operation: Operation,
  data: Readonly<Record<string, unknown>>,
): { path: string; body: Record<string, unknown> | null } {
  const rest = new Map(Object.entries(data).filter(([, value]) => value !== undefined));
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_all, field: string) => {
    const value = rest.get(field);
    rest.delete(field);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const field of operation.query) {
    const value = rest.get(field);
    if (value !== undefined && value !== null) query.set(field, String(value));
    rest.delete(field);
  }
  // Not by `size`: browsers have it since 2023 only.
  const search = query.toString();
  return {
    path: search === '' ? path : `${path}?${search}`,
    body: operation.body ? Object.fromEntries(rest) : null,
  };
}
