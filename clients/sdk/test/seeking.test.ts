// Gaps between a cursor and an event are filled, however often the server refuses.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../src/index.js';
import { MOST_HELD } from '../src/state/scope.js';
import { conversation, history, message, Story } from './help/made.js';
import { Scripted } from './help/scripted.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function reader(server: Scripted): Promise<Client> {
  const client = server.client();
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await vi.advanceTimersByTimeAsync(1);
  await client.open(1);
  return client;
}

const created = (seq: number) => ({ type: 'message.created', conversation: 1, seq, data: message(seq) });
const asked = (server: Scripted, wanted: string) =>
  server.commands.filter(({ type }) => type === wanted).length;
const cursor = (client: Client) => client.state.conversations.get(1)?.cursor;

test('a gap that cannot be filled is asked for again, then the conversation is read again', async () => {
  const server = new Scripted();
  const client = await reader(server);
  let trouble = true;
  server.answer = ({ type }) => {
    if (type === 'conversation.sync') return { refused: 'internal', status: 500 };
    if (type === 'conversation.get')
      return trouble ? { refused: 'internal', status: 500 } : { data: conversation(3) };
    return type === 'message.history' ? { data: history([message(2), message(3)], 3) } : undefined;
  };
  server.tell(created(3));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked(server, 'conversation.sync')).toBe(2);
  expect(cursor(client)).toBe(1);
  trouble = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(cursor(client)).toBe(3);
  expect(client.state.conversations.get(1)?.timeline?.messages.map(({ seq }) => seq)).toEqual([2, 3]);
  server.tell(created(4));
  await vi.advanceTimersByTimeAsync(1);
  expect(cursor(client)).toBe(4);
});

test('nothing is asked for any more when the conversation is gone', async () => {
  const server = new Scripted();
  await reader(server);
  server.answer = ({ type }) =>
    type === 'conversation.sync' ? { refused: 'not_found', status: 404 } : undefined;
  server.tell(created(3));
  await vi.advanceTimersByTimeAsync(1);
  server.tell({ type: 'conversation.removed', conversation: 1, data: { reason: 'left' } });
  await vi.advanceTimersByTimeAsync(300_000);
  expect(asked(server, 'conversation.sync')).toBe(1);
});

test('events that wait for a gap are bounded, and those that were dropped are asked for', () => {
  const story = Story.at(10);
  for (let seq = 12; seq < 12 + MOST_HELD + 50; seq += 1) story.hear('message.created', message(seq));
  expect(story.it.inner.held.length).toBeLessThanOrEqual(MOST_HELD);
  const changes = {
    from: 10,
    to: 11,
    reset: false,
    threads: [],
    more: false,
    conversation: conversation(11),
    members: [],
    messages: [],
  };
  story.take({ type: 'changes', conversation: 1, changes });
  expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 11 }]);
});
