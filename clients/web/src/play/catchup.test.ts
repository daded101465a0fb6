import type { Changes, ConversationRow, ConversationState, Message } from '@palabre/sdk';
import { describe, expect, it } from 'vitest';
import { catchupOf, toldBy } from './catchup';
import { look } from './frames';

const AT = '2026-11-21T08:00:00.000Z';

function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    id: seq,
    conversation: 1,
    seq,
    rev: seq,
    author: { id: 1, username: 'ada' },
    client_id: null,
    message_type: 'text',
    text: 'text',
    parent: null,
    thread: null,
    also_in_room: false,
    summary: null,
    created_at: AT,
    edited_at: null,
    deleted_at: null,
    files: [],
    reactions: [],
    mentions: null,
    preview: null,
    ...change,
  };
}

function changes(messages: readonly Message[], change: Partial<Changes> = {}): Changes {
  const conversation = {} as ConversationRow;
  const all = { conversation, members: [], messages, threads: [] };
  return { from: 12, to: 17, reset: false, more: false, ...all, ...change };
}

const known = [message(3), message(5), message(8), message(9, { reactions: [{ emoji: '👍', users: [1] }] })];

describe('what was missed', () => {
  it('is counted by its kind', () => {
    const told = catchupOf(
      changes([
        message(3, { rev: 13, edited_at: AT, text: 'changed' }),
        message(5, { rev: 14, deleted_at: AT, text: null }),
        message(9, { rev: 15 }),
        message(16),
        message(17),
      ]),
      known,
    );
    expect(told).toEqual({
      from: 12,
      to: 17,
      reset: false,
      messages: 2,
      edits: 1,
      deletions: 1,
      reactions: 1,
      members: 0,
    });
  });

  it('counts a message that was both edited and reacted to as both', () => {
    const both = message(8, { rev: 14, edited_at: AT, reactions: [{ emoji: '👍', users: [2] }] });
    expect(catchupOf(changes([both]), known)).toMatchObject({ edits: 1, reactions: 1, messages: 0 });
  });

  it('counts a new message once, also when it was edited since', () => {
    const fresh = message(14, { rev: 16, edited_at: AT });
    expect(catchupOf(changes([fresh]), known)).toMatchObject({ messages: 1, edits: 0 });
  });
});

describe('a frame', () => {
  const conversation = { id: 1, cursor: 12, timeline: { messages: known } } as unknown as ConversationState;
  const heard = (value: unknown) => look('bob', { direction: 'in', text: JSON.stringify(value), at: 0 });
  const missed = { type: 'conversation.changes', conversation: 1, data: changes([message(13)]) };
  const greeting = (head: number) => ({
    re: 'c1',
    type: 'authenticated',
    data: { conversations: [{ id: 1, head }] },
  });

  it('tells what was missed', () => {
    expect(toldBy(heard(missed), conversation)).toMatchObject({ from: 12, to: 17, messages: 1 });
  });

  it('tells nothing of it if it answers a question, or is about another conversation', () => {
    expect(toldBy(heard({ ...missed, re: 'c9' }), conversation)).toBeNull();
    expect(toldBy(heard({ ...missed, conversation: 2 }), conversation)).toBeNull();
    expect(toldBy(heard({ type: 'pong', re: 'c2', data: {} }), conversation)).toBeNull();
  });

  it('tells that nothing was missed', () => {
    expect(toldBy(heard(greeting(12)), conversation)).toMatchObject({ from: 12, to: 12 });
    expect(toldBy(heard(greeting(13)), conversation)).toBeNull();
  });
});
