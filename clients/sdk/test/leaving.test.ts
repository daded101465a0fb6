// Who leaves is forgotten at once, and nothing of theirs goes on in the name of who comes next.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type Client } from '../src/index.js';
import { Scripted } from './help/scripted.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<Response>(() => undefined);
const password = 'correct horse';

/** Time for whatever does not wait for a clock. */
const settle = () => vi.advanceTimersByTimeAsync(1);

async function enter(client: Client, username = 'ann'): Promise<void> {
  await client.logIn({ username, password });
  client.connect();
  await settle();
}

test('logging out forgets everything at once, though the server does not answer', async () => {
  const server = new Scripted();
  const storage = memoryStorage();
  const client = server.client(storage);
  await enter(client);
  server.answer = ({ type }) => (type === 'message.send' ? 'silence' : undefined);
  client.send(1, 'not answered');
  server.call = never;
  const out = vi.fn();
  client.on('signedOut', out);
  const left = client.logOut();
  expect(out).toHaveBeenCalledTimes(1);
  expect(client.signedIn).toBe(false);
  expect(storage.getItem('palabre.session')).toBeNull();
  expect(storage.getItem('palabre.outbox.1')).toBeNull();
  expect(client.state).toMatchObject({ me: null, line: 'idle' });
  expect([client.state.conversations.size, client.state.outbox.size]).toEqual([0, 0]);
  await left;
  expect(server.calls.at(-1)).toBe('DELETE /v1/sessions/current');
});

test('what is written after logging out is refused, and not kept for anybody', async () => {
  const server = new Scripted();
  const storage = memoryStorage();
  const client = server.client(storage);
  await enter(client);
  server.call = never;
  void client.logOut();
  expect(() => client.send(1, 'too late')).toThrow('Nobody is logged in.');
  expect(storage.getItem('palabre.outbox.1')).toBeNull();
});

test('tokens that come after logging out are not kept, and the session is ended with them', async () => {
  let now = 0;
  const server = new Scripted();
  const storage = memoryStorage();
  const client = server.client(storage, { now: () => now });
  await client.logIn({ username: 'ann', password });
  now = 700_000;
  let trade: (response: Response) => void = () => undefined;
  const ended: (string | null)[] = [];
  server.call = (path, init) => {
    if (path === '/v1/sessions/refresh') return new Promise((resolve) => (trade = resolve));
    ended.push(new Headers(init?.headers).get('authorization'));
    return undefined;
  };
  const asked = client.command('account.get', {});
  const refused = expect(asked).rejects.toMatchObject({ code: 'unauthenticated' });
  await settle();
  await client.logOut();
  trade(server.tokens('ann'));
  await refused;
  await settle();
  expect(client.signedIn).toBe(false);
  expect(storage.getItem('palabre.session')).toBeNull();
  expect(ended).toEqual(['Bearer 1 access 2']);
});
