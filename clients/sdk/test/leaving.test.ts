// Logging out forgets a person at once, and nothing of theirs goes on in the name of the next person.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryStorage, type Client } from '../src/index.js';
import { history, message } from './help/made.js';
import { problem, Scripted } from './help/scripted.js';

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

test('what waits to be sent is kept, if that is wanted, until the same person is back', async () => {
  const server = new Scripted();
  const storage = memoryStorage();
  const client = server.client(storage);
  await enter(client);
  server.answer = ({ type }) => (type === 'message.send' ? 'silence' : undefined);
  const id = client.send(1, 'not answered');
  await client.logOut({ keepOutbox: true });
  expect(client.state.outbox.size).toBe(0);
  await enter(client, 'bob');
  expect(client.state.outbox.size).toBe(0);
  await client.logOut({ keepOutbox: true });
  await enter(client);
  expect(client.state.outbox.get(1)?.map(({ clientId }) => clientId)).toEqual([id]);
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

test('what was asked for one person is not asked again for the next, nor shown to them', async () => {
  const server = new Scripted();
  const client = server.client();
  await enter(client);
  const histories: number[] = [];
  server.answer = ({ type, user }) => {
    if (type !== 'message.history') return undefined;
    histories.push(user);
    return user === 1 ? { refused: 'unavailable', status: 503 } : undefined;
  };
  const opening = expect(client.open(1)).rejects.toMatchObject({ code: 'unauthenticated' });
  await settle();
  void client.logOut();
  await enter(client, 'bob');
  await vi.advanceTimersByTimeAsync(5_000);
  await opening;
  expect(histories).toEqual([1]);
  expect(client.state.me?.id).toBe(2);
  expect(client.state.conversations.get(1)?.timeline).toBeNull();
});

test('a page that never came for one person holds up nothing for the next', async () => {
  const server = new Scripted();
  const client = server.client();
  await enter(client);
  server.call = never;
  server.answer = ({ type }) => (type === 'message.history' ? 'silence' : undefined);
  void client.open(1).catch(() => undefined);
  await settle();
  server.call = () => undefined;
  void client.logOut();
  server.answer = ({ type }) => (type === 'message.history' ? { data: history([message(1)], 1) } : undefined);
  await enter(client, 'bob');
  await client.open(1);
  expect(client.state.conversations.get(1)?.timeline?.messages).toHaveLength(1);
});

test('a command that was refused is not given again with the token of who came next', async () => {
  const server = new Scripted();
  const client = server.client();
  await client.logIn({ username: 'ann', password });
  const tokens: (string | null)[] = [];
  let refuse: (response: Response) => void = () => undefined;
  server.call = (path, init) => {
    if (path !== '/v1/users/me') return undefined;
    tokens.push(new Headers(init?.headers).get('authorization'));
    return new Promise((resolve) => (refuse = resolve));
  };
  const asked = expect(client.command('account.update', { city: 'Paris' })).rejects.toMatchObject({
    code: 'unauthenticated',
  });
  await settle();
  void client.logOut();
  await client.logIn({ username: 'bob', password });
  refuse(problem(401, 'unauthenticated'));
  await asked;
  expect(tokens).toEqual(['Bearer 1 access 1']);
});

test('who logs in over somebody else finds a line and an outbox of their own', async () => {
  const server = new Scripted();
  const storage = memoryStorage();
  const bob = server.client(storage);
  await bob.logIn({ username: 'bob', password });
  bob.send(1, "bob's own");
  bob.dispose();
  const client = server.client(storage);
  await client.logIn({ username: 'ann', password });
  client.connect();
  await settle();
  await enter(client, 'bob');
  const sent = server.commands.filter(({ type }) => type === 'message.send');
  expect(sent.map(({ user, data }) => [user, data.text])).toEqual([[2, "bob's own"]]);
});

test('another tab that lets somebody else in does not cost them what is in their outbox', async () => {
  const server = new Scripted();
  const values = memoryStorage();
  const tabs = new Set<(key: string | null) => void>();
  const watch = (changed: (key: string | null) => void) => (tabs.add(changed), () => undefined);
  const here = { ...values, watch };
  const bob = server.client(values);
  await bob.logIn({ username: 'bob', password });
  bob.send(1, "bob's own");
  bob.dispose();
  const session = values.getItem('palabre.session') ?? '';
  values.removeItem('palabre.session');
  const client = server.client(here);
  await enter(client);
  values.setItem('palabre.session', session);
  for (const told of tabs) told('palabre.session');
  await settle();
  expect(client.state).toMatchObject({ line: 'over', me: null });
  expect(values.getItem('palabre.outbox.2')).toContain("bob's own");
});

test('a portal in between does not end a session whose token the server has refused', async () => {
  const server = new Scripted();
  const storage = memoryStorage();
  const client = server.client(storage, { random: () => 1 });
  await client.logIn({ username: 'ann', password });
  server.lets = false;
  server.call = async () => new Response('<h1>Log in to the café</h1>', { status: 401 });
  client.connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(client.state.line).toBe('waiting');
  expect(client.signedIn).toBe(true);
  expect(storage.getItem('palabre.session')).not.toBeNull();
  server.lets = true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(client.state.line).toBe('online');
});
