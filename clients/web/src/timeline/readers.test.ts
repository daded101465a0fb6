import type { Marker, Member } from '@palabre/sdk';
import { expect, test } from 'vitest';
import { haveRead } from './readers';

const person = (id: number) => ({ id, username: `u${id}` });
const marker = (user: number, read_seq: number, read_at: string | null = '2025-03-03T12:00:00Z') =>
  [user, { user, read_seq, read_at } as unknown as Marker] as const;
const members = new Map([1, 2, 3, 4, 5].map((id) => [id, { user: person(id) } as unknown as Member]));

test('who has read on has read the message, too; its author, oneself and who never looked have not', () => {
  const markers = new Map([marker(1, 9), marker(2, 7), marker(3, 6), marker(4, 9, null), marker(5, 9)]);
  const read = (author: number) =>
    haveRead({ markers, members, peer: null }, { seq: 7, author: person(author) }, 1).map(({ id }) => id);
  expect(read(1)).toEqual([2, 5]);
  expect(read(5)).toEqual([2]);
});
