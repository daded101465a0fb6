// Threads: what stands in a thread only is no part of the room, and what is unread there is counted by itself.
import { expect, test } from 'vitest';
import { threadKey } from '../src/state/threads.js';
import type { FollowedThread, ThreadSummary } from '../src/wire.js';
import { at, authenticated, AT, conversation, history, ME, message, Story } from './help/made.js';

const mine = { author: { id: ME, username: 'ann' } };

function summary(root: number, last: number, replies: number): ThreadSummary {
  return { root, replies, last_seq: last, last_at: AT, participants: [2], rev: last };
}

function followed(readSeq: number, unread: number, countedTo: number, rev = 5): FollowedThread {
  const thread = { conversation: 1, thread: 2, follows: true, read_seq: readSeq, level: null, rev };
  return {
    ...thread,
    unread,
    counted_to: countedTo,
    message: message(2, { summary: summary(2, countedTo, 1) }),
  };
}

/** Ann is in the kitchen and follows the thread about message 2, of which she knows everything up to 4. */
function following(): Story {
  const story = new Story();
  const greeting = { ...authenticated([[1, 4]], 'e', 5), feature_level: 7 };
  story.take({ type: 'authenticated', data: greeting, sent: at({}) });
  expect(story.wants).toEqual([{ type: 'groups' }, { type: 'drafts' }, { type: 'threads' }]);
  story.take({ type: 'rows', rows: [conversation(4, { read_seq: 2 })], shown: true });
  return story.take({ type: 'threads', threads: [followed(4, 0, 4)] });
}

const unread = ({ state }: Story) => state.followed.get(threadKey(1, 2))?.unread;

test('a reply is no part of the room unless it stands there as well', () => {
  const story = following().open(history([message(2)], 4));
  story.hear('message.created', message(5, { thread: 2 }));
  expect([story.seqs, story.it.unread, story.it.lastMessage?.seq, story.it.cursor]).toEqual([[2], 0, 2, 5]);
  story.hear('message.created', message(6, { thread: 2, also_in_room: true }));
  expect([story.seqs, story.it.unread, story.it.lastMessage?.seq]).toEqual([[2, 6], 1, 6]);
});

test('the root shows what the newest change says of its thread, whichever way it comes', () => {
  const story = following().open(history([message(2, { summary: summary(2, 4, 1) })], 4));
  const reply = message(5, { thread: 2 });
  const frame = {
    type: 'message.created',
    conversation: 1,
    seq: 5,
    data: reply,
    thread: summary(2, 5, 2),
  } as const;
  story.take({ type: 'frame', frame, now: 0 });
  expect(story.it.summaries.get(2)?.replies).toBe(2);
  // A page that was read before says nothing newer, and messages hold no summaries themselves.
  story.open(history([message(2, { summary: summary(2, 4, 1) })], 5));
  expect([story.it.summaries.get(2)?.replies, story.it.timeline?.messages[0]?.summary]).toEqual([2, null]);
});

test('replies of others are unread in a thread that one follows, each once', () => {
  const story = following();
  story
    .hear('message.created', message(5, { thread: 2 }))
    .hear('message.created', message(6, { thread: 2, ...mine }));
  expect(unread(story)).toBe(1);
  story.hear('message.created', message(7, { thread: 3 }));
  expect(unread(story)).toBe(1);
  // What the list has counted is not counted again.
  story.take({ type: 'threads', threads: [followed(4, 2, 8)] });
  story.hear('message.created', message(8, { thread: 2 }));
  expect(unread(story)).toBe(2);
  story.hear('message.deleted', message(5, { thread: 2, rev: 9, text: null, deleted_at: AT }));
  expect(unread(story)).toBe(1);
});

test('what was read on another device is read here, and how much is left is asked for', () => {
  const story = following();
  story.hear('message.created', message(5, { thread: 2 }));
  const data = { conversation: 1, thread: 2, follows: true, read_seq: 5, level: null, rev: 6 };
  story.own({ type: 'thread.followed', conversation: 1, data }, 6);
  expect(story.state.followed.get(threadKey(1, 2))?.readSeq).toBe(5);
  story.own({ type: 'thread.followed', conversation: 1, data: { ...data, follows: false, rev: 7 } }, 7);
  expect(story.state.followed.size).toBe(0);
});

test('changes that were missed in a followed thread make its count be asked for', () => {
  const story = following();
  const changes = {
    from: 4,
    to: 6,
    reset: false,
    more: false,
    conversation: conversation(6),
    members: [],
    messages: [message(5, { thread: 2 }), message(6)],
    threads: [summary(2, 5, 2)],
  };
  story.take({ type: 'changes', conversation: 1, changes });
  expect(story.wants).toContainEqual({ type: 'threads' });
  expect([story.it.summaries.get(2)?.replies, story.it.lastMessage?.seq]).toEqual([2, 6]);
});

test('an open thread is a window of its own, into which what comes while it is read is put', () => {
  const story = following();
  const of = { type: 'of.thread', conversation: 1, thread: 2 } as const;
  story.take({ ...of, what: 'opened' }, { ...of, what: 'loading', loading: 'around' });
  story.hear('message.created', message(5, { thread: 2 }));
  const page = history([message(4, { thread: 2 })], 4);
  story.take({ ...of, what: 'page', read: { where: 'newest', beside: null, page }, root: message(2) });
  story.hear('message.created', message(6, { thread: 2 })).hear('message.created', message(7, { thread: 3 }));
  const open = story.it.threads.get(2);
  expect(open?.timeline.messages.map(({ seq }) => seq)).toEqual([4, 5, 6]);
  story.hear('message.edited', message(2, { rev: 8, text: 'soup' }));
  expect(story.it.threads.get(2)?.root?.text).toBe('soup');
  expect(story.take({ ...of, what: 'closed' }).it.threads.size).toBe(0);
});

test('which replies notify is known as it was said last', () => {
  const story = following();
  const level = () => story.state.followed.get(threadKey(1, 2))?.level;
  expect(level()).toBe(null);
  const data = { conversation: 1, thread: 2, follows: true, read_seq: 4, level: 'nothing', rev: 6 } as const;
  story.own({ type: 'thread.followed', conversation: 1, data }, 6);
  expect(level()).toBe('nothing');
  // A list that was read before says nothing newer.
  story.take({ type: 'threads', threads: [followed(4, 0, 4)] });
  expect(level()).toBe('nothing');
  story.take({ type: 'threads', threads: [{ ...followed(4, 0, 4, 7), level: 'mentions' }] });
  expect(level()).toBe('mentions');
});

test('whoever leaves a conversation follows nothing in it', () => {
  const story = following();
  story.own({ type: 'conversation.removed', conversation: 1, data: { reason: 'left' } }, 6);
  expect(story.state.followed.size).toBe(0);
});

test('of a server that knows no threads none is asked for', () => {
  const story = new Story();
  story.take({ type: 'authenticated', data: authenticated([[1, 4]], 'e', 5), sent: at({}) });
  expect(story.wants).toEqual([{ type: 'drafts' }]);
});

test('one is told of replies by the level of their thread, and of threads that one does not follow only of mentions', () => {
  const tell = { type: 'tell', now: 0 } as const;
  const told = (story: Story) => story.notices.flatMap(({ messages }) => messages.map(({ seq }) => seq));
  const named = { people: [ME], groups: [], here: false, room: false, reply_to: null };
  const said = (level: FollowedThread['level']) => {
    const story = following().take({ type: 'listed', ids: new Set([1]) });
    story.take({ type: 'threads', threads: [{ ...followed(4, 0, 4, 6), level }] });
    return story
      .hear('message.created', message(5, { thread: 2 }))
      .hear('message.created', message(6, { thread: 2, mentions: named }))
      .hear('message.created', message(7, { thread: 3 }))
      .hear('message.created', message(8, { thread: 3, mentions: named }))
      .take(tell, tell, tell);
  };
  expect(told(said(null))).toEqual([5, 6, 8]);
  expect(told(said('mentions'))).toEqual([6, 8]);
  expect(told(said('nothing'))).toEqual([8]);
});
