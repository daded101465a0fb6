import { expect, test, vi } from 'vitest';
import { Over } from './over';

const state = (reminderSeq = 0) => ({ followed: FOLLOWED, reminderSeq });
const FOLLOWED = new Map();
const room = (unread: number, readSeq: number) => ({ id: 12, unread, readSeq });

function asking() {
  const isRead = vi.fn(async (_ticket: string): Promise<boolean | null> => false);
  const isDue = vi.fn(async (_conversation: number, _seq: number): Promise<boolean | null> => true);
  return { isRead, isDue, over: new Over({ isRead, isDue }) };
}

test('a message in the room is over when nothing is unread, and nobody is asked', async () => {
  const { over, isRead } = asking();
  expect(await over.isOver({ ticket: 'a' }, room(1, 4), state())).toBe(false);
  expect(await over.isOver({ ticket: 'a' }, room(0, 5), state())).toBe(true);
  expect(isRead).not.toHaveBeenCalled();
});

test('a reply in a thread, or an edit that calls one, is over when the server says so', async () => {
  const { over, isRead } = asking();
  const told = { ticket: 'a', asks: true };
  expect(await over.isOver(told, room(0, 5), state())).toBe(false);
  // Nothing was read since: it is not asked again.
  expect(await over.isOver(told, room(0, 5), state())).toBe(false);
  expect(isRead).toHaveBeenCalledOnce();
  isRead.mockResolvedValue(true);
  expect(await over.isOver(told, room(0, 5), { ...state(), followed: new Map() })).toBe(true);
  expect(isRead).toHaveBeenLastCalledWith('a');
});

test('a reminder is over when it is no longer due, whatever is unread', async () => {
  const { over, isDue, isRead } = asking();
  const told = { ticket: 'a', asks: true, reminder: 7 };
  expect(await over.isOver(told, room(0, 9), state())).toBe(false);
  isDue.mockResolvedValue(false);
  expect(await over.isOver(told, room(3, 9), state(1))).toBe(true);
  expect(isDue).toHaveBeenLastCalledWith(12, 7);
  expect(isRead).not.toHaveBeenCalled();
});

test('without an answer it is kept, and asked about again; after a coming back everything is', async () => {
  const { over, isRead } = asking();
  const told = { ticket: 'a', asks: true };
  isRead.mockResolvedValue(null);
  expect(await over.isOver(told, room(0, 5), state())).toBe(false);
  isRead.mockResolvedValue(false);
  expect(await over.isOver(told, room(0, 5), state())).toBe(false);
  over.forget();
  isRead.mockResolvedValue(true);
  expect(await over.isOver(told, room(0, 5), state())).toBe(true);
});
