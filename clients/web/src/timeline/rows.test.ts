import type { Message, Pending } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { readersOf, rowsOf } from './rows';

const me = { id: 1, username: 'me' };
const NOON = Date.parse('2025-03-03T12:00:00.000Z');

function message(seq: number, author: number, minutes: number, more: Partial<Message> = {}): Message {
  return {
    id: seq,
    conversation: 1,
    seq,
    rev: seq,
    author: { id: author, username: `u${author}` },
    client_id: `c${seq}`,
    message_type: 'text',
    text: `text ${seq}`,
    parent: null,
    thread: null,
    also_in_room: false,
    summary: null,
    created_at: new Date(NOON + minutes * 60_000).toISOString(),
    edited_at: null,
    deleted_at: null,
    files: [],
    reactions: [],
    mentions: null,
    preview: null,
    ...more,
  };
}

const pending = (clientId: string, minutes: number): Pending => ({
  clientId,
  conversation: 1,
  text: 'on its way',
  parent: null,
  files: [],
  thread: null,
  alsoInRoom: false,
  at: NOON + minutes * 60_000,
  state: 'sending',
  refusal: null,
  reach: null,
  seq: null,
});

const shape = (rows: ReturnType<typeof rowsOf>) =>
  rows.map((row) => (row.kind === 'entry' ? `${row.first ? 'first' : 'more'} ${row.entry.text}` : row.kind));

test('a person is named once for what they say in one breath', () => {
  const rows = rowsOf(
    [message(1, 2, 0), message(2, 2, 1), message(3, 3, 2), message(4, 3, 30)],
    [],
    me,
    null,
  );
  expect(shape(rows)).toEqual(['day', 'first text 1', 'more text 2', 'first text 3', 'first text 4']);
});

test('an answer is named even in the same breath', () => {
  const rows = rowsOf([message(1, 2, 0), message(2, 2, 1, { parent: 1 })], [], me, null);
  expect(shape(rows)).toEqual(['day', 'first text 1', 'first text 2']);
});

test('every day has its separator', () => {
  const rows = rowsOf([message(1, 2, 0), message(2, 2, 60 * 24)], [], me, null);
  expect(shape(rows)).toEqual(['day', 'first text 1', 'day', 'first text 2']);
});

test('the line stands before the first message of somebody else that was not read', () => {
  const rows = rowsOf([message(1, 2, 0), message(4, 1, 1), message(6, 2, 2), message(7, 2, 3)], [], me, 2);
  expect(shape(rows)).toEqual(['day', 'first text 1', 'first text 4', 'new', 'first text 6', 'more text 7']);
});

test('a message that was sent keeps its key', () => {
  const before = rowsOf([], [pending('c9', 0)], me, null).at(-1);
  const after = rowsOf([message(9, 1, 0)], [], me, null).at(-1);
  expect(before?.key).toBe('own-c9');
  expect(after?.key).toBe(before?.key);
});

test('the client id of another person is no key: it may be the same as mine', () => {
  const rows = rowsOf(
    [message(1, 2, 0, { client_id: 'same' }), message(2, 1, 1, { client_id: 'same' })],
    [],
    me,
    null,
  );
  expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
});

test('what did not change is the same object', () => {
  const one = message(1, 2, 0);
  const [first] = rowsOf([one], [], me, null).filter((row) => row.kind === 'entry');
  const [again] = rowsOf([one, message(2, 2, 1)], [], me, null).filter((row) => row.kind === 'entry');
  expect(again?.kind === 'entry' && first?.kind === 'entry' && again.entry === first.entry).toBe(true);
});

test('readers stand at the last message of others that they have read', () => {
  const messages = [message(1, 9, 0), message(5, 9, 1), message(6, 3, 2)];
  const marker = (user: number, read_seq: number, read_at: string | null = 'then') => ({
    user,
    read_seq,
    read_at,
  });
  const markers = [marker(1, 6), marker(2, 5), marker(3, 6), marker(4, 0), marker(5, 4), marker(6, 6, null)];
  expect([...readersOf(messages, markers, 1)]).toEqual([
    [5, [2, 3]],
    [1, [5]],
  ]);
});
