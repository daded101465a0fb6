import { expect, test, vi } from 'vitest';
import { Rest, requestOf } from '../src/rest.js';
import { operations } from '../src/operations.js';
import type { CommandType } from '../src/wire.js';

function request(type: CommandType, data: Readonly<Record<string, unknown>>) {
  const operation = operations[type];
  if (!operation) throw new Error(`${type} has no REST call`);
  return { method: operation.method, ...requestOf(operation, data) };
}

test('fields go into the path, the query and the body', () => {
  expect(request('message.edit', { conversation: 3, seq: 7, text: 'x' })).toEqual({
    method: 'PATCH',
    path: '/v1/conversations/3/messages/7',
    body: { text: 'x' },
  });
  expect(request('message.history', { conversation: 3, before_seq: 7, limit: null })).toEqual({
    method: 'GET',
    path: '/v1/conversations/3/messages?before_seq=7',
    body: null,
  });
  expect(request('presence.get', { users: [1, 2] }).path).toBe('/v1/presence?users=1%2C2');
  expect(request('reaction.add', { conversation: 3, seq: 7, emoji: '👍/🏽' }).path).toBe(
    '/v1/conversations/3/messages/7/reactions/%F0%9F%91%8D%2F%F0%9F%8F%BD',
  );
});

test('null clears a field, what is absent is not said', () => {
  expect(request('account.update', { city: null, language: undefined }).body).toEqual({ city: null });
});

test('a query is said by browsers, too, whose URLSearchParams has no size', () => {
  const size = vi.spyOn(URLSearchParams.prototype, 'size', 'get').mockReturnValue(undefined as never);
  expect(request('message.history', { conversation: 3, limit: 5 }).path).toMatch(/messages\?limit=5$/);
  expect(request('message.history', { conversation: 3 }).path).toMatch(/messages$/);
  size.mockRestore();
});

const answer = (response: () => Response | Promise<Response>) =>
  new Rest({ url: 'http://server/', fetch: async () => response() });

test('a problem becomes a refusal', async () => {
  const problem = {
    code: 'rate_limited',
    status: 429,
    title: 'Too many',
    detail: 'Slowly.',
    errors: [{ pointer: '/text', detail: 'd' }],
    retry_after_ms: 700,
    request_id: 'r1',
  };
  const rest = answer(() => Response.json(problem, { status: 429 }));
  await expect(rest.command('server.get', {}, null)).rejects.toMatchObject({
    code: 'rate_limited',
    status: 429,
    message: 'Slowly.',
    errors: [{ pointer: '/text', detail: 'd' }],
    retryAfterMs: 700,
    requestId: 'r1',
    passing: true,
  });
});

test.each([
  [502, 'unavailable'],
  [429, 'rate_limited'],
  [404, 'network'],
  [401, 'network'],
] as const)("a proxy's own page with status %i is %s, and passes", async (status, code) => {
  for (const page of ['<h1>Oh no</h1>', '{"code":401,"message":"no"}', '{"code":"unauthorized"}', 'null']) {
    const rest = answer(() => new Response(page, { status }));
    const refused = { code, status, passing: true };
    await expect(rest.command('server.get', {}, null)).rejects.toMatchObject(refused);
  }
});

test('no answer is a refusal by the network, and so is one that is not JSON', async () => {
  const down = answer(() => Promise.reject(new TypeError('fetch failed')));
  await expect(down.command('server.get', {}, null)).rejects.toMatchObject({ code: 'network', status: 0 });
  const portal = answer(() => new Response('<h1>Log in to the café</h1>'));
  await expect(portal.command('server.get', {}, null)).rejects.toMatchObject({ code: 'network' });
});

test('a token is sent only where it is needed', async () => {
  const told: (string | null)[] = [];
  const fetch = async (_url: unknown, init?: RequestInit) => {
    told.push(new Headers(init?.headers).get('authorization'));
    return Response.json({});
  };
  const rest = new Rest({ url: 'http://server', fetch });
  await rest.command('account.get', {}, 'secret');
  await rest.command('session.refresh', { refresh_token: 'r' }, 'secret');
  expect(told).toEqual(['Bearer secret', null]);
});

test('what there is on the socket only is refused', async () => {
  await expect(answer(() => Response.json({})).command('ping', {}, null)).rejects.toMatchObject({
    code: 'unknown_command',
  });
});
