import type { Marker, Member } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { haveRead } from './readers';

const person = (id: number) => ({ id, username: `u${id}` });
const marker = (user: number, read_seq: number, read_at: string | null = '2025-03-03T12:00:00Z') =>
  [user, { user, read_seq, read_at } as unknown as Marker] as const;
const joined_at = '2025-03-01T08:00:00.000Z';
const created_at = '2025-03-02T08:00:00.000Z';
const members = new Map(
  [1, 2, 3, 4, 5].map((id) => [id, { user: person(id), joined_at } as unknown as Member]),
);

test('who has read on has read the message, too; its author, oneself and who never looked have not', () => {
  const markers = new Map([marker(1, 9), marker(2, 7), marker(3, 6), marker(4, 9, null), marker(5, 9)]);
  const read = (author: number) =>
    haveRead({ markers, members, peer: null }, { seq: 7, author: person(author), created_at }, 1).map(
      ({ id }) => id,
    );
  expect(read(1)).toEqual([2, 5]);
  expect(read(5)).toEqual([2]);
});

test('who came after it was said has not read it, wherever their marker is', () => {
  const markers = new Map([marker(2, 9), marker(3, 9)]);
  const late = { user: person(3), joined_at: '2025-03-02T08:00:00.001Z' } as unknown as Member;
  const state = { markers, members: new Map(members).set(3, late), peer: null };
  expect(haveRead(state, { seq: 7, author: person(1), created_at }, 1).map(({ id }) => id)).toEqual([2]);
});
