import { describe, expect, test } from 'vitest';
import { Refusal } from '../src/problem.js';
import type { Pending } from '../src/state/pending.js';
import { typistsIn } from '../src/state/typing.js';
import { previewOf } from '../src/state/previews.js';
import {
  at,
  authenticated,
  AT,
  conversation,
  deleted,
  history,
  ME,
  member,
  message,
  Story,
} from './help/made.js';

const mine = { author: { id: ME, username: 'ann' } };
const seqs = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_none, at) => message(from + at));

describe('numbers', () => {
  test('the next event is applied, a repeat is dropped, a gap is asked for', () => {
    const story = Story.at(3).hear('message.created', message(4));
    expect(story.it.cursor).toBe(4);
    const before = story.it;
    expect(story.hear('message.created', message(4)).it).toBe(before);
    story.hear('message.created', message(6));
    expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 4 }]);
    expect(story.it.cursor).toBe(4);
    expect(story.hear('message.created', message(7)).wants).toEqual([]);
  });

  test('when the gap is filled, the held events follow', () => {
    const story = Story.at(3).open(history([], 3));
    story.hear('message.created', message(6)).hear('message.created', message(7));
    const changes = {
      from: 3,
      to: 5,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages: [message(4), message(5)],
    };
    story.take({ type: 'changes', conversation: 1, changes: { ...changes, conversation: conversation(5) } });
    expect(story.seqs).toEqual([4, 5, 6, 7]);
    expect(story.it).toMatchObject({ cursor: 7, unread: 4, row: { head: 7 } });
  });

  test('changes that begin later than the cursor are not taken', () => {
    const story = Story.at(3);
    const changes = {
      from: 5,
      to: 6,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages: [],
      conversation: conversation(6),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 3 }]);
    expect(story.it.cursor).toBe(3);
  });

  test('after a reset the conversation is read again, and events that come meanwhile are kept', () => {
    const story = Story.at(3).open(history([message(2)], 3));
    const reset = {
      from: 3,
      to: 90,
      reset: true,
      threads: [],
      more: false,
      members: [],
      messages: [],
      conversation: conversation(90),
    };
    story.take({ type: 'changes', conversation: 1, changes: reset });
    expect(story.wants).toEqual([{ type: 'reread', conversation: 1 }]);
    story.hear('message.created', message(91)).hear('message.created', message(92));
    const read = {
      row: conversation(91, { unread: 40 }),
      page: history(seqs(80, 91), 91, true),
      members: null,
      markers: null,
    };
    story.take({ type: 'reread', conversation: 1, read });
    expect(story.seqs).toEqual([80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92]);
    expect(story.it).toMatchObject({ cursor: 92, unread: 41 });
  });

  test('another history of the database voids everything', () => {
    const story = Story.at(3);
    story.take({ type: 'authenticated', data: authenticated([[1, 9]], 'another'), sent: at({ 1: 3 }) });
    expect(story.state.conversations.size).toBe(0);
    expect(story.state.ready).toBe(false);
  });

  test('what became known after the cursors were said is asked for', () => {
    const story = Story.at(3);
    story.take({ type: 'authenticated', data: authenticated([[1, 5]]), sent: at({}) });
    expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 3 }]);
    story.take({ type: 'authenticated', data: authenticated([[1, 5]]), sent: at({ 1: 3 }) });
    expect(story.wants).toEqual([]);
  });

  test('a row that is older than an event of it has a gap', () => {
    const story = new Story();
    story.take({ type: 'authenticated', data: authenticated([[1, 3]]), sent: at({}) });
    story.hear('message.created', message(4));
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
    story.take({ type: 'rows', rows: [conversation(3)], shown: true });
    expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 3 }]);
  });

  test('what was left does not come back with an answer that was on its way', () => {
    const story = Story.at(3);
    story.take({
      type: 'frame',
      frame: { type: 'conversation.removed', conversation: 1, data: { reason: 'left' } },
      now: 0,
    });
    story.take({ type: 'rows', rows: [conversation(3)], shown: false });
    expect(story.state.conversations.size).toBe(0);
    story.take({
      type: 'frame',
      frame: { type: 'conversation.added', conversation: 1, account_seq: 1, data: conversation(5) },
      now: 0,
    });
    expect(story.it.cursor).toBe(5);
  });

  test('an event about a message that one does not see takes its number, and nothing is asked for', () => {
    const story = Story.at(3);
    const frame = { type: 'event.hidden', conversation: 1, seq: 4, data: {} } as const;
    story.take({ type: 'frame', frame, now: 0 });
    expect(story.it.cursor).toBe(4);
    expect(story.it.row.head).toBe(4);
    expect(story.wants).toEqual([]);
  });

  test('a run of joins and leaves takes its numbers, and who the members are is read again', () => {
    const story = Story.at(3);
    const run = (from: number, to: number, member_count: number) => {
      const data = { from, to, member_count };
      const frame = { type: 'members.changed', conversation: 1, seq: to, data } as const;
      story.take({ type: 'frame', frame, now: 0 });
    };
    run(4, 9, 5_120);
    expect([story.it.cursor, story.it.row.member_count, story.it.members]).toEqual([9, 5_120, null]);
    // One that began before, and one that is over.
    run(8, 12, 5_123);
    run(5, 11, 5_122);
    expect([story.it.cursor, story.it.row.member_count]).toEqual([12, 5_123]);
    expect(story.wants).toEqual([]);
    run(14, 20, 5_200);
    expect(story.wants).toEqual([{ type: 'sync', conversation: 1, since: 12 }]);
  });

  test('a list of members that was read while people came of whom only the count was told is not taken', () => {
    const story = Story.at(3);
    story.take({ type: 'reading', conversation: 1, reading: 7, where: null });
    const data = { from: 4, to: 5, member_count: 202 };
    story.take({ type: 'frame', frame: { type: 'members.changed', conversation: 1, seq: 5, data }, now: 0 });
    const members = [member(1, 1), member(2, 2)];
    story.take({ type: 'members', conversation: 1, reading: 7, members });
    expect(story.it.members).toBeNull();
    // One that begins after it is.
    story.take({ type: 'reading', conversation: 1, reading: 8, where: null });
    story.take({ type: 'members', conversation: 1, reading: 8, members });
    expect(story.it.members?.size).toBe(2);
  });

  test('an event of a type that is not known yet takes its number', () => {
    const story = Story.at(3);
    const frame = { type: 'message.translated', conversation: 1, seq: 4, data: {} };
    story.take({ type: 'frame', frame: frame as never, now: 0 });
    expect(story.it.cursor).toBe(4);
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
  });

  test('an event of a type that is not known yet, and that has no number, changes nothing', () => {
    const story = Story.at(3);
    const before = story.state;
    for (const type of ['message.seen', 'constructor', 'toString'])
      story.take({ type: 'frame', frame: { type, conversation: 1, data: {} } as never, now: 0 });
    expect(story.state).toBe(before);
    const frame = { type: 'constructor', conversation: 1, seq: 4, data: {} };
    story.take({ type: 'frame', frame: frame as never, now: 0 });
    expect(story.it.cursor).toBe(4);
  });
});

describe('the timeline', () => {
  test('holds as many messages as the window has, and drops the oldest', () => {
    const story = Story.at(10, {}, 5).open(history(seqs(6, 10), 10, false));
    story.hear('message.created', message(11));
    expect(story.seqs).toEqual([7, 8, 9, 10, 11]);
    expect(story.it.timeline).toMatchObject({ hasMoreBefore: true, hasMoreAfter: false });
  });

  test('loading older ones drops the newest, after which live ones are not appended', () => {
    const story = Story.at(10, {}, 5).open(history(seqs(6, 10), 10, true));
    const page = history(seqs(3, 5), 10, false, true);
    story.take({ type: 'page', conversation: 1, reading: 2, read: { where: 'before', beside: 6, page } });
    expect(story.seqs).toEqual([3, 4, 5, 6, 7]);
    expect(story.it.timeline).toMatchObject({ hasMoreBefore: false, hasMoreAfter: true });
    story.hear('message.created', message(11));
    expect(story.seqs).toEqual([3, 4, 5, 6, 7]);
    expect(story.it.lastMessage?.seq).toBe(11);
    const newer = history(seqs(8, 11), 11, true, false);
    story.take({
      type: 'page',
      conversation: 1,
      reading: 3,
      read: { where: 'after', beside: 7, page: newer },
    });
    expect(story.seqs).toEqual([7, 8, 9, 10, 11]);
    expect(story.it.timeline).toMatchObject({ hasMoreBefore: true, hasMoreAfter: false });
  });

  test('a page beside a window that has moved meanwhile is not put there', () => {
    const story = Story.at(10, {}, 5)
      .open(history(seqs(6, 10), 10, true))
      .hear('message.created', message(11));
    const page = history(seqs(3, 5), 10, false, true);
    story.take({ type: 'page', conversation: 1, reading: 2, read: { where: 'before', beside: 6, page } });
    expect(story.seqs).toEqual([7, 8, 9, 10, 11]);
    expect(story.it.timeline?.loading).toBeNull();
  });

  test('what changes while a page is under way is put onto it', () => {
    const story = Story.at(4);
    const [conversation, reading, where] = [1, 1, 'newest' as const];
    story.take({ type: 'opened', conversation }, { type: 'reading', conversation, reading, where });
    story.hear('message.created', message(5)).hear('message.edited', message(3, { rev: 6, text: 'new' }));
    const page = history([message(3), message(4)], 4);
    story.take({ type: 'page', conversation, reading, read: { where, beside: null, page } });
    expect(story.it.timeline?.messages.map(({ text }) => text)).toEqual(['new', 'text 4', 'text 5']);
  });

  test('what did not change stays the same object', () => {
    const story = Story.at(4).open(history([message(3), message(4)], 4));
    const [third, fourth] = story.it.timeline?.messages ?? [];
    const { people } = story.state;
    story.hear('message.edited', message(4, { rev: 5, text: 'new' }));
    expect(story.it.timeline?.messages[0]).toBe(third);
    expect(story.it.timeline?.messages[1]).not.toBe(fourth);
    expect(story.state.people).toBe(people);
    story.open(history([message(3), message(4, { rev: 5, text: 'new' })], 5));
    expect(story.it.timeline?.messages[0]).toBe(third);
  });

  test('a preview changes its message wherever it stands, and counts as nothing new', () => {
    const preview = { url: 'https://a.example/', site: null, title: 'A', description: null, image: null };
    const story = Story.at(4, { unread: 1, last_message: message(4) }).open(history([message(4)], 4));
    story.hear('message.previewed', message(4, { rev: 5, preview }));
    expect(story.it).toMatchObject({ cursor: 5, unread: 1, lastMessage: { preview: { title: 'A' } } });
    expect(story.it.timeline?.messages.map(previewOf)).toEqual([preview]);
    story.hear('message.previewed', message(4, { rev: 6 }));
    expect(story.it.timeline?.messages.map(previewOf)).toEqual([null]);
    // A server before feature level 8 says nothing of previews.
    expect(previewOf({})).toBeNull();
  });

  test('a deletion also changes the last message of the list', () => {
    const story = Story.at(4, { last_message: message(4) }).hear('message.deleted', deleted(4, 5));
    expect(story.it.lastMessage).toMatchObject({ seq: 4, text: null });
  });
});

describe('what is for the person', () => {
  const nobody = { people: [], groups: [], here: false, room: false, reply_to: null };
  const forMe = { mentions: { ...nobody, people: [ME] } };
  const groups = { type: 'user_groups.changed', data: { groups: [4] } };

  test('mentions, groups, calls of everybody and answers count; what one says oneself does not', () => {
    const story = Story.at(3, { read_seq: 3 }).own(groups, 1);
    expect(story.wants).toEqual([{ type: 'groups' }]);
    story.hear('message.created', message(4, forMe));
    story.hear('message.created', message(5, { mentions: { ...nobody, groups: [4, 9] } }));
    story.hear('message.created', message(6, { mentions: { ...nobody, here: true } }));
    story.hear('message.created', message(7, { mentions: { ...nobody, reply_to: ME } }));
    story.hear('message.created', message(8, { mentions: { ...nobody, people: [2], groups: [9] } }));
    story.hear('message.created', message(9, { ...mine, mentions: { ...nobody, room: true } }));
    expect(story.it).toMatchObject({ unread: 5, unreadForMe: 4 });
  });

  test('an edit and a deletion change it, and are asked about if the message was not known', () => {
    const story = Story.at(3, { read_seq: 3 }).hear('message.created', message(4, forMe));
    story.hear('message.edited', message(4, { rev: 5 }));
    expect(story.it).toMatchObject({ unread: 1, unreadForMe: 0 });
    story.hear('message.edited', message(4, { rev: 6, ...forMe }));
    expect(story.it.unreadForMe).toBe(1);
    story.hear('message.deleted', deleted(4, 7));
    expect(story.it).toMatchObject({ unread: 0, unreadForMe: 0 });
    story.hear('message.created', message(8, forMe)).hear('message.created', message(9));
    story.hear('message.edited', message(8, { rev: 10 }));
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
  });

  test('in a direct conversation everything is', () => {
    const story = Story.at(3, { kind: 'direct', read_seq: 3 }).hear('message.created', message(4));
    expect(story.it).toMatchObject({ unread: 1, unreadForMe: 1 });
    expect(story.hear('message.deleted', deleted(4, 5)).it.unreadForMe).toBe(0);
  });

  test('what was missed and what is read are counted', () => {
    const story = Story.at(3, { read_seq: 3 });
    const changes = {
      from: 3,
      to: 6,
      reset: false,
      more: false,
      members: [],
      messages: [message(4, forMe), message(5), message(6, forMe)],
      threads: [],
      conversation: conversation(6),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.it).toMatchObject({ unread: 3, unreadForMe: 2 });
    story.open(history(changes.messages, 6));
    story.take({ type: 'read', conversation: 1, seq: 4 });
    expect(story.it).toMatchObject({ unread: 2, unreadForMe: 1 });
  });
});

describe('what is unread', () => {
  test('messages of others count, until they are deleted; own ones do not', () => {
    const story = Story.at(3, { read_seq: 3 })
      .hear('message.created', message(4))
      .hear('message.created', message(5));
    story.hear('message.created', message(6, mine));
    expect(story.it.unread).toBe(2);
    story.hear('message.deleted', deleted(4, 7));
    expect(story.it.unread).toBe(1);
    story.hear('message.edited', message(5, { rev: 8 }));
    expect(story.it.unread).toBe(1);
  });

  test('a fresh row that knows of later messages is not counted onto', () => {
    const story = Story.at(3);
    story.take({
      type: 'rows',
      rows: [conversation(5, { unread: 2, last_message: message(5) })],
      shown: true,
    });
    story.hear('message.created', message(4)).hear('message.created', message(5));
    expect(story.it).toMatchObject({ unread: 2, cursor: 5 });
    expect(story.hear('message.created', message(6)).it.unread).toBe(3);
  });

  test('what was missed is counted: the new ones that are left, and not the deleted ones', () => {
    const story = Story.at(5, { unread: 2 });
    const messages = [deleted(4, 6), message(7), deleted(8, 9), message(5, { rev: 10, text: 'edited' })];
    const changes = {
      from: 5,
      to: 10,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages,
      conversation: conversation(10),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.it.unread).toBe(2);
  });

  test('a page may be newer than the events up to now: the events follow, and count once', () => {
    const story = Story.at(5, { unread: 1 });
    const messages = [deleted(4, 9), deleted(6, 8), message(7)];
    const changes = {
      from: 5,
      to: 6,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages,
      conversation: conversation(6),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.it.unread).toBe(2);
    story.hear('message.created', message(7)).hear('message.deleted', deleted(6, 8));
    expect(story.hear('message.deleted', deleted(4, 9)).it.unread).toBe(1);
  });

  test('one less than "100 or more" is asked for', () => {
    const story = Story.at(3000, { unread: 100 }).hear('message.deleted', deleted(2900, 3001));
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
  });

  test('reading on counts again, from what is shown', () => {
    const story = Story.at(9, { unread: 4, last_message: message(9) }).open(history(seqs(6, 9), 9));
    story.take({ type: 'read', conversation: 1, seq: 7 });
    expect(story.it).toMatchObject({ readSeq: 7, unread: 2 });
    expect(story.take({ type: 'read', conversation: 1, seq: 6 }).it.readSeq).toBe(7);
    expect(story.take({ type: 'read', conversation: 1, seq: 9 }).it.unread).toBe(0);
  });

  test('reading elsewhere counts again too, or is asked for if too little is shown', () => {
    const story = Story.at(9, { unread: 4, last_message: message(9) });
    const marker = (read_seq: number) => ({ user: ME, read_seq, delivered_seq: read_seq, read_at: AT });
    story.take({ type: 'marker', conversation: 1, marker: marker(7) });
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
    story.take({ type: 'rows', rows: [conversation(9, { read_seq: 7, unread: 2 })], shown: false });
    expect(story.it).toMatchObject({ readSeq: 7, unread: 2 });
    story.take({ type: 'marker', conversation: 1, marker: marker(9) });
    expect(story.it).toMatchObject({ readSeq: 9, unread: 0 });
    expect(story.wants).toEqual([]);
  });
});

describe('the list', () => {
  const hidden = (at: number) =>
    ({
      type: 'frame',
      frame: { type: 'conversation.hidden', conversation: 1, account_seq: 1, data: { at } },
      now: 0,
    }) as const;

  test('what is hidden comes back with the next event', () => {
    const story = Story.at(3).take(hidden(3));
    expect(story.it.hidden).toBe(true);
    expect(story.hear('message.created', message(4)).it.hidden).toBe(false);
  });

  test('what came after it was hidden has brought it back, also if one hears of the hiding later', () => {
    expect(Story.at(3).take(hidden(2)).it.hidden).toBe(false);
  });

  test('not with one that happened before', () => {
    const story = Story.at(3).hear('message.created', message(5)).take(hidden(5));
    const changes = {
      from: 3,
      to: 4,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages: [message(4)],
      conversation: conversation(4),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.it).toMatchObject({ cursor: 5, hidden: true });
  });

  test('what the list does not have was hidden elsewhere, unless it has just come into it', () => {
    const list = { type: 'listed', ids: new Set<number>() } as const;
    expect(Story.at(3).take(list).it.hidden).toBe(true);
    expect(Story.at(3).hear('message.created', message(4)).take(list).it.hidden).toBe(false);
    const added = {
      type: 'conversation.added',
      conversation: 1,
      account_seq: 1,
      data: conversation(3),
    } as const;
    expect(Story.at(3).take({ type: 'frame', frame: added, now: 0 }, list).it.hidden).toBe(false);
  });
});

describe('members and markers', () => {
  const joined = (id: number, seq: number) =>
    ({
      type: 'member.joined',
      conversation: 1,
      seq,
      data: { member: member(id, seq), member_count: 3 },
    }) as const;
  const left = (id: number, seq: number) =>
    ({
      type: 'member.left',
      conversation: 1,
      seq,
      data: { member: member(id, seq, null), member_count: 2, reason: 'left' },
    }) as const;

  test('whoever comes has read up to there, whoever goes is gone', () => {
    const story = Story.at(3).take({
      type: 'members',
      conversation: 1,
      reading: 1,
      members: [member(1, 1), member(2, 1)],
    });
    story.take({ type: 'frame', frame: joined(7, 4), now: 0 });
    expect([...(story.it.members?.keys() ?? [])]).toEqual([1, 2, 7]);
    expect(story.it.markers.get(7)).toMatchObject({ read_seq: 4 });
    expect(story.it.row.member_count).toBe(3);
    story.take({ type: 'frame', frame: left(7, 5), now: 0 });
    expect([...(story.it.members?.keys() ?? [])]).toEqual([1, 2]);
    expect(story.it.markers.has(7)).toBe(false);
  });

  test('whoever goes while the list is read is not in it', () => {
    const story = Story.at(3).take({ type: 'reading', conversation: 1, reading: 1, where: null });
    story.take({ type: 'frame', frame: left(2, 4), now: 0 });
    story.take({ type: 'members', conversation: 1, reading: 1, members: [member(1, 1), member(2, 1)] });
    expect([...(story.it.members?.keys() ?? [])]).toEqual([1]);
    const markers = [{ user: 2, read_seq: 3, delivered_seq: 3, read_at: AT }];
    expect(story.take({ type: 'markers', conversation: 1, markers }).it.markers.size).toBe(0);
  });

  test('whoever comes while the markers are read keeps theirs', () => {
    const story = Story.at(3).take({ type: 'members', conversation: 1, reading: 1, members: [member(1, 1)] });
    story.take(
      { type: 'frame', frame: joined(7, 4), now: 0 },
      { type: 'markers', conversation: 1, markers: [] },
    );
    expect(story.it.markers.get(7)).toMatchObject({ read_seq: 4 });
  });

  test('whoever came and was promoted while one was away has read what the list says', () => {
    const story = Story.at(3).take({ type: 'members', conversation: 1, reading: 1, members: [member(1, 1)] });
    const members = [member(7, 6, 'moderator'), member(8, 5)];
    const changes = {
      from: 3,
      to: 6,
      reset: false,
      threads: [],
      more: false,
      members,
      messages: [],
      conversation: conversation(6),
    };
    story.take({ type: 'changes', conversation: 1, changes });
    expect(story.it.markers.get(8)).toMatchObject({ read_seq: 5 });
    const markers = [7, 8].map((user) => ({
      user,
      read_seq: user - 3,
      delivered_seq: user - 3,
      read_at: null,
    }));
    story.take({ type: 'markers', conversation: 1, markers });
    expect([7, 8].map((user) => story.it.markers.get(user)?.read_seq)).toEqual([4, 5]);
  });

  test('markers never move back', () => {
    const marker = (read_seq: number) => ({ user: 2, read_seq, delivered_seq: read_seq, read_at: AT });
    const story = Story.at(9).take({ type: 'marker', conversation: 1, marker: marker(5) });
    expect(
      story.take({ type: 'marker', conversation: 1, marker: marker(4) }).it.markers.get(2)?.read_seq,
    ).toBe(5);
    story.take({ type: 'markers', conversation: 1, markers: [marker(3)] });
    expect(story.it.markers.get(2)?.read_seq).toBe(5);
  });

  test("one's own new role is known", () => {
    const data = member(ME, 4, 'admin');
    const frame = { type: 'member.updated', conversation: 1, seq: 4, data } as const;
    expect(Story.at(3).take({ type: 'frame', frame, now: 0 }).it.role).toBe('admin');
  });
});

describe('writing', () => {
  const user = { id: 2, username: 'bob' };
  const starts = {
    type: 'frame',
    frame: { type: 'typing.started', conversation: 1, data: { user } },
    now: 100,
  } as const;

  test('typing in a thread is apart from typing in the room, and ends like it', () => {
    const inThread = (thread: number, typing: boolean) =>
      ({
        type: 'frame',
        frame: { type: 'thread.typing', conversation: 1, data: { thread, user, typing } },
        now: 100,
      }) as const;
    const story = Story.at(3).take(inThread(2, true), inThread(3, true));
    expect([typistsIn(story.it, null), typistsIn(story.it, 2)]).toEqual([[], [user]]);
    story.take(starts, inThread(2, false));
    expect([typistsIn(story.it, null), typistsIn(story.it, 2), typistsIn(story.it, 3)]).toEqual([
      [user],
      [],
      [user],
    ]);
    expect(typistsIn(story.take({ type: 'clock', now: 6099 }).it, 3)).toEqual([user]);
    expect(typistsIn(story.take({ type: 'clock', now: 6100 }).it, 3)).toEqual([]);
    expect(story.take(inThread(3, true), { type: 'cut' }).it.typing.size).toBe(0);
  });

  test('typing ends when it is said, with the message, or by itself', () => {
    expect(Story.at(3).take(starts).it.typing.get(2)).toEqual({ user, until: 6100, thread: null });
    const stopped = { type: 'typing.stopped', conversation: 1, data: { user } } as const;
    expect(Story.at(3).take(starts, { type: 'frame', frame: stopped, now: 0 }).it.typing.size).toBe(0);
    expect(Story.at(3).take(starts).hear('message.created', message(4)).it.typing.size).toBe(0);
    expect(Story.at(3).take(starts, { type: 'clock', now: 6099 }).it.typing.size).toBe(1);
    expect(Story.at(3).take(starts, { type: 'clock', now: 6100 }).it.typing.size).toBe(0);
    expect(Story.at(3).take(starts, { type: 'cut' }).it.typing.size).toBe(0);
  });

  const pending = (change: Partial<Pending> = {}): Pending => ({
    clientId: 'x',
    conversation: 1,
    text: 'hello',
    parent: null,
    files: [],
    thread: null,
    alsoInRoom: false,
    at: 0,
    state: 'sending',
    refusal: null,
    reach: null,
    seq: null,
    ...change,
  });

  test('a pending message goes in the change in which it comes as itself', () => {
    const story = Story.at(3)
      .open(history([], 3))
      .take({ type: 'pending', pending: [pending()] });
    expect(story.it.pending).toHaveLength(1);
    story.hear('message.created', message(4, { ...mine, client_id: 'x' }));
    expect(story.it.pending).toEqual([]);
    expect(story.seqs).toEqual([4]);
    expect(story.state.outbox.get(1)).toEqual([]);
  });

  test("somebody else's message with the same client id is another one", () => {
    const story = Story.at(3).take({ type: 'pending', pending: [pending()] });
    story.hear('message.created', message(4, { client_id: 'x' }));
    expect(story.it.pending).toHaveLength(1);
  });

  test('an acknowledged one stays until its place is reached', () => {
    const story = Story.at(3).take({ type: 'pending', pending: [pending({ seq: 5 })] });
    expect(story.hear('message.created', message(4)).it.pending).toHaveLength(1);
    expect(story.hear('message.created', message(5, mine)).it.pending).toEqual([]);
    expect(story.take({ type: 'pending', pending: [pending({ seq: 5 })] }).it.pending).toEqual([]);
  });

  test('one whose answer was lost is found in what was missed, and in what is read', () => {
    const own = message(4, { ...mine, client_id: 'x' });
    const changes = {
      from: 3,
      to: 4,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages: [own],
      conversation: conversation(4),
    };
    const story = Story.at(3).take({ type: 'pending', pending: [pending()] });
    expect(story.take({ type: 'changes', conversation: 1, changes }).it.pending).toEqual([]);
    const other = Story.at(4).take({ type: 'pending', pending: [pending()] });
    expect(other.open(history([own], 4)).it.pending).toEqual([]);
  });

  test('what is pending where nothing is known yet is shown when it is', () => {
    const failed = pending({ state: 'failed', refusal: new Refusal({ code: 'forbidden' }) });
    const story = new Story().take({ type: 'pending', pending: [failed] });
    story.take({ type: 'rows', rows: [conversation(3)], shown: true });
    expect(story.it.pending).toEqual([failed]);
  });
});

describe('people', () => {
  test('everybody who is named is known, with the presence of the last event', () => {
    const story = Story.at(3).hear('message.created', message(4));
    const people = [{ user: { id: 2, username: 'bob' }, presence: 'busy' as const, last_seen_at: null }];
    story.take({
      type: 'frame',
      frame: { type: 'presence.changed', conversation: 1, data: { people } } as never,
      now: 0,
    });
    expect(story.state.people.get(2)).toMatchObject({ username: 'bob', presence: 'busy', user: null });
  });

  test('live messages of others are news, what was caught up is not', () => {
    expect(Story.at(3).hear('message.created', message(4)).news).toHaveLength(1);
    const changes = {
      from: 3,
      to: 4,
      reset: false,
      threads: [],
      more: false,
      members: [],
      messages: [message(4)],
      conversation: conversation(4),
    };
    expect(Story.at(3).take({ type: 'changes', conversation: 1, changes }).news).toEqual([]);
  });
});
