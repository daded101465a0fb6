// A server that is made up: it lets anybody in, and answers as the test says.
import { Bot, memoryStorage, type ClientOptions, type KeyValue } from '../../src/index.js';
import type { WebSocketConstructor, WebSocketLike } from '../../src/socket.js';
import { authenticated, conversation, history } from './made.js';

export interface Command {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The person who gave it. */
  readonly user: number;
}

/** An answer's data, a refusal, or nothing at all. */
export type Reply =
  { readonly data: unknown } | { readonly refused: string; readonly status: number } | 'silence';

/** Everybody's numbers. */
const PEOPLE: Readonly<Record<string, number>> = { ann: 1, bob: 2 };

export class Scripted {
  /** All commands that came on sockets, but for the greeting. */
  readonly commands: Command[] = [];
  /** The paths that were called, with their methods. */
  readonly calls: string[] = [];
  /** The answer to a command; undefined for the usual one. */
  answer: (command: Command) => Reply | undefined = () => undefined;
  /** The answer to a call; undefined for the usual one. */
  call: (path: string, init: RequestInit | undefined) => Promise<Response> | undefined = () => undefined;
  /** While false, no token is good on a socket. */
  lets = true;
  heads: [number, number][] = [[1, 1]];
  /** The number of everybody's account; undefined for a server that numbers none. */
  accountSeq: number | undefined;
  /** The history of the database. */
  epoch = 'e';
  /** Runs after somebody was let in. */
  entered: (socket: Fake, greeting: Readonly<Record<string, unknown>>) => void = () => undefined;
  /** The data of each greeting that was sent. */
  readonly greetings: Readonly<Record<string, unknown>>[] = [];
  #tokens = 0;
  readonly sockets: Fake[] = [];

  client(storage: KeyValue = memoryStorage(), options: Partial<ClientOptions> = {}): Bot {
    const fake = (url: string) => new Fake(this, url);
    const WebSocket = function (url: string) {
      return fake(url);
    } as unknown as WebSocketConstructor;
    return new Bot({
      url: 'http://made.up',
      fetch: this.fetch,
      WebSocket,
      storage,
      random: () => 0,
      ...options,
    });
  }

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const { pathname } = new URL(String(input));
    this.calls.push(`${init?.method} ${pathname}`);
    const said = this.call(pathname, init);
    if (said) return said;
    if (pathname === '/v1/sessions') {
      const { username } = JSON.parse(String(init?.body)) as { username: string };
      return this.tokens(username);
    }
    return pathname === '/v1/sessions/current'
      ? new Response(null, { status: 204 })
      : problem(404, 'not_found');
  };

  /** Tokens for somebody. */
  tokens(username: string): Response {
    const [id, at] = [PEOPLE[username] ?? 9, (this.#tokens += 1)];
    return Response.json({
      access_token: `${id} access ${at}`,
      refresh_token: `${id} refresh ${at}`,
      token_type: 'Bearer',
      expires_in: 600,
      session: at,
      user: { id, username },
    });
  }

  /** Sends a frame to the newest socket. */
  tell(frame: Readonly<Record<string, unknown>>): void {
    this.sockets.at(-1)?.hear(frame);
  }

  reply({ type }: Command): Reply {
    const conversations = this.heads.map(([id, head]) => conversation(head, { id }));
    const [first] = conversations;
    const data: Readonly<Record<string, unknown>> = {
      'conversation.list': { conversations, next_cursor: null },
      'conversation.get': first,
      'message.history': history([], first?.head ?? 0),
      'member.list': { members: [], next_cursor: null },
      'marker.list': { markers: [] },
      'draft.list': { drafts: [] },
      'notifications.get': {
        rooms: 'everything',
        groups: 'everything',
        directs: 'everything',
        quiet_hours: null,
        keywords: [],
        rev: 0,
      },
    };
    return { data: data[type] ?? {} };
  }
}

export function problem(status: number, code: string): Response {
  return Response.json(problemOf(status, code), { status });
}

function problemOf(status: number, code: string) {
  return { code, status, title: code, detail: code, errors: [], retry_after_ms: null, request_id: null };
}

export class Fake implements WebSocketLike {
  readyState = 1;
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;
  #user = 0;

  constructor(
    readonly server: Scripted,
    readonly url: string,
  ) {
    server.sockets.push(this);
    queueMicrotask(() => this.onopen?.(undefined as never));
  }

  send(text: string): void {
    const { id, type, data = {} } = JSON.parse(text) as Omit<Command, 'user'>;
    if (type === 'authenticate') {
      this.server.greetings.push(data);
      this.#greet(id, String(data.token));
      return this.server.entered(this, data);
    }
    const command: Command = { id, type, data, user: this.#user };
    this.server.commands.push(command);
    const reply = this.server.answer(command) ?? this.server.reply(command);
    if (reply === 'silence') return;
    this.hear(
      'data' in reply
        ? { re: id, type: 'done', data: reply.data }
        : { re: id, type: 'error', error: problemOf(reply.status, reply.refused) },
    );
  }

  hear(frame: Readonly<Record<string, unknown>>): void {
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(frame) } as never));
  }

  close(): void {
    this.readyState = 3;
  }

  /** The connection is gone, without a word. */
  cut(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: '' } as never);
  }

  #refuse(): void {
    const reason = '{"code":"unauthenticated","retry":false}';
    queueMicrotask(() => this.onclose?.({ code: 4500, reason } as never));
  }

  #greet(id: string, token: string): void {
    if (!this.server.lets) return this.#refuse();
    this.#user = Number.parseInt(token, 10);
    const username = Object.keys(PEOPLE).find((name) => PEOPLE[name] === this.#user) ?? 'nobody';
    const data = authenticated(this.server.heads, this.server.epoch, this.server.accountSeq);
    this.hear({
      re: id,
      type: 'authenticated',
      data: { ...data, user: { ...data.user, id: this.#user, username } },
    });
  }
}
