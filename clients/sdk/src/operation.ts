// How a command is said over REST, and the calls that are made without a socket.
import type { CommandType } from './wire.js';

/** How a command is said over REST. */
export interface Operation {
  readonly method: string;
  /** The path; what stands in braces is a field of the command's data. */
  readonly path: string;
  /** Fields that go into the query. */
  readonly query: readonly string[];
  /** Whether the remaining fields are sent as a JSON body. */
  readonly body: boolean;
  /** Whether it is for those who are logged in. */
  readonly secured: boolean;
}

export function call(line: string, query: readonly string[] = [], body = false, secured = true): Operation {
  const [method = '', path = ''] = line.split(' ');
  return { method, path, query, body, secured };
}

/** The calls before there is a socket, and after it. Those of all commands are in operations.ts, which a page loads when it needs one. */
export const firstOperations: { readonly [T in CommandType]?: Operation } = {
  'account.register': call('POST /v1/accounts', [], true, false),
  'server.get': call('GET /v1/server', [], false, false),
  'session.create': call('POST /v1/sessions', [], true, false),
  'session.logout': call('DELETE /v1/sessions/current'),
  'session.refresh': call('POST /v1/sessions/refresh', [], true, false),
};
