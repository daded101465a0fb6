// A caller who waits for a message learns whether it arrived.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../src/index.js';
import { message } from './help/made.js';
import { Scripted } from './help/scripted.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(1);

/** Ann's client, whose messages nobody answers. */
async function ann(): Promise<{ server: Scripted; client: Client }> {
  const server = new Scripted();
  const client = server.client();
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await settle();
  server.answer = ({ type }) => (type === 'message.send' ? 'silence' : undefined);
  return { server, client };
}

/** The state of a promise so far. */
function watched(promise: Promise<void>): { end: string } {
  const it = { end: 'waits' };
  promise.then(
    () => (it.end = 'arrived'),
    (error: { code: string }) => (it.end = error.code),
  );
  return it;
}

test('it has arrived when it is in the conversation, for those who wait and for those who ask late', async () => {
  const { server, client } = await ann();
  const id = client.send(1, 'hello');
  const waiting = watched(client.delivered(id));
  await settle();
  expect(waiting.end).toBe('waits');
  const data = message(2, { author: { id: 1, username: 'ann' }, client_id: id });
  server.tell({ type: 'message.created', conversation: 1, seq: 2, data });
  await settle();
  expect(waiting.end).toBe('arrived');
  await client.delivered(id);
});

test.each(['discard', 'logOut', 'dispose'] as const)('after %s it has not arrived', async (way) => {
  const { client } = await ann();
  client.send(1, 'being sent');
  const id = client.send(1, 'hello');
  const waiting = watched(client.delivered(id));
  if (way === 'discard') client.discard(id);
  else void client[way]();
  await settle();
  expect(waiting.end).toBe('network');
  await expect(client.delivered(id)).rejects.toMatchObject({ code: 'network' });
});

test('a refusal ends the waiting, and a new try can be waited for again', async () => {
  const { server, client } = await ann();
  server.answer = ({ type }) => (type === 'message.send' ? { refused: 'forbidden', status: 403 } : undefined);
  const id = client.send(1, 'hello');
  const refused = watched(client.delivered(id));
  await settle();
  expect(refused.end).toBe('forbidden');
  await expect(client.delivered(id)).rejects.toMatchObject({ code: 'forbidden' });
  server.answer = ({ type }) => (type === 'message.send' ? 'silence' : undefined);
  client.retry(id);
  const waiting = watched(client.delivered(id));
  await settle();
  expect(waiting.end).toBe('waits');
});

test('what was never written here is not waited for', async () => {
  const { client } = await ann();
  await expect(client.delivered('unheard of')).rejects.toMatchObject({ code: 'not_found' });
});
