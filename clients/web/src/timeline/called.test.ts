import type { Message } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { calledTo } from './called';

const ME = { me: 1, groups: null };

/** A message of somebody else that calls these people; `edited`: when it was edited. */
const message = (seq: number, rev: number, people: readonly number[], edited: string | null = null) =>
  ({
    seq,
    rev,
    author: { id: 2 },
    edited_at: edited,
    mentions: { people, groups: [], here: false, room: false, reply_to: null },
  }) as unknown as Message;

test('an edit that calls one is read under its own number, which is beyond that of the last message', () => {
  const edited = message(3, 9, [1], '2025-03-03T12:00:00Z');
  expect(calledTo([edited, message(7, 7, [])], ME)).toBe(9);
  // It was for somebody else, or nobody has edited it.
  expect(calledTo([message(3, 9, [4], '2025-03-03T12:00:00Z'), message(7, 8, [1])], ME)).toBe(0);
  expect(calledTo([], ME)).toBe(0);
});
