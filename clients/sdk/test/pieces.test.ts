// A long catch-up comes in pieces, of which only the last makes a state.
import { expect, test, vi } from 'vitest';
import type { Changes } from '../src/index.js';
import { resumesFrom } from '../src/state/pieces.js';
import { conversation, deleted, history, message, Story } from './help/made.js';
import { Scripted } from './help/scripted.js';

const HEAD = 9;

function piece(from: number, to: number, messages: Changes['messages']): Changes {
  const more = to < HEAD;
  return {
    from,
    to,
    reset: false,
    threads: [],
    more,
    conversation: conversation(HEAD),
    members: [],
    messages,
  };
}

const changes = (from: number, to: number, messages: Changes['messages']) =>
  ({ type: 'changes', conversation: 1, changes: piece(from, to, messages) }) as const;

// 4 was said, then 5 and 6; 4 was edited as 7 and 5 deleted as 8; then came 9.
const first = changes(3, 6, [message(6)]);
const last = changes(6, HEAD, [message(4, { rev: 7, text: 'edited' }), deleted(5, 8), message(9)]);

test('what was changed after it was said takes its place when the last piece has come', () => {
  const story = Story.at(3).open(history([message(2), message(3)], 3));
  story.take(first);
  expect(story.seqs).toEqual([2, 3]);
  expect(story.it).toMatchObject({ cursor: 3, unread: 0 });
  story.take(last);
  expect(story.seqs).toEqual([2, 3, 4, 5, 6, 9]);
  expect(story.it).toMatchObject({ cursor: HEAD, unread: 3, row: { head: HEAD } });
  expect(story.wants).toEqual([]);
});

test('events that come between the pieces wait for the last', () => {
  const story = Story.at(3).open(history([], 3)).take(first);
  story.hear('message.created', message(10));
  expect(story.wants).toEqual([]);
  story.take(last);
  expect(story.seqs).toEqual([4, 5, 6, 9, 10]);
  expect(story.it.cursor).toBe(10);
});

test('after a cut one goes on from the last piece, and nothing of those before is lost', () => {
  const story = Story.at(3).open(history([], 3)).take(first, { type: 'cut' });
  expect(resumesFrom(story.it)).toBe(6);
  expect(story.it.cursor).toBe(3);
  story.take(last);
  expect(story.seqs).toEqual([4, 5, 6, 9]);
  expect(resumesFrom(story.it)).toBe(HEAD);
});

test('a reset throws away what was gathered', () => {
  const story = Story.at(3).open(history([], 3)).take(first);
  const reset = { ...piece(6, HEAD, []), reset: true, threads: [], more: false };
  story.take({ type: 'changes', conversation: 1, changes: reset });
  expect(story.wants).toEqual([{ type: 'reread', conversation: 1 }]);
  expect(resumesFrom(story.it)).toBe(3);
});

test('pieces that were asked for are asked for one after the other', async () => {
  vi.useFakeTimers();
  const server = new Scripted();
  const client = server.client();
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await vi.advanceTimersByTimeAsync(1);
  await client.open(1);
  const ahead = { from: 1, conversation: conversation(4), members: [], reset: false };
  server.answer = ({ type, data }) => {
    if (type !== 'conversation.sync') return undefined;
    const { since } = data as { since: number };
    return since === 1
      ? { data: { ...ahead, to: 2, more: true, messages: [message(2)] } }
      : { data: { ...ahead, from: since, to: 3, more: false, messages: [message(3)] } };
  };
  server.tell({ type: 'message.created', conversation: 1, seq: 4, data: message(4) });
  await vi.advanceTimersByTimeAsync(10);
  const asked = server.commands.filter(({ type }) => type === 'conversation.sync').map(({ data }) => data);
  expect(asked).toEqual([
    { conversation: 1, since: 1 },
    { conversation: 1, since: 2 },
  ]);
  expect(client.state.conversations.get(1)?.cursor).toBe(4);
  vi.useRealTimers();
});
