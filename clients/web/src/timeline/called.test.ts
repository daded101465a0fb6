import type { Message } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { Called } from './called';

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

const AT_NOON = '2025-03-03T12:00:00Z';

test('an edit that calls one is read under its own number, which is beyond that of the last message', () => {
  const edited = message(3, 9, [1], AT_NOON);
  expect(new Called().mark([edited, message(7, 7, [])], ME)).toBe(9);
  // It was for somebody else, or nobody has edited it.
  expect(new Called().mark([message(3, 9, [4], AT_NOON), message(7, 8, [1])], ME)).toBe(0);
  expect(new Called().mark([], ME)).toBe(0);
});

test('it is marked once, whatever else changes the message; and again after another edit', () => {
  const called = new Called();
  expect(called.mark([message(3, 9, [1], AT_NOON)], ME)).toBe(9);
  expect(called.mark([message(3, 10, [1], AT_NOON)], ME)).toBe(0);
  expect(called.mark([message(3, 11, [1], '2025-03-03T12:00:05Z')], ME)).toBe(11);
});
