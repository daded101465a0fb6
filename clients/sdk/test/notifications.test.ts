// The messages that notify the person, and those that they have marked as unread.
import { describe, expect, test } from 'vitest';
import type { ConversationSettings, Message, Notifications } from '../src/index.js';
import { hasKeyword, isQuiet, notifies } from '../src/state/notifications.js';
import { conversation, history, message, Story } from './help/made.js';

const NOW = Date.parse('2026-01-05T21:30:00Z');
const usual: ConversationSettings = { level: null, muted_until: null, unread_from: null };
const all: Notifications = {
  rooms: 'everything',
  groups: 'everything',
  directs: 'everything',
  quiet_hours: null,
  keywords: [],
  rev: 0,
};

/** Of a message that names Ann. */
const ANN = { people: [1], groups: [], here: false, room: false, reply_to: null };

const changed = (data: Notifications, number: number) =>
  [{ type: 'notifications.changed', data }, number] as const;
const settings = (change: Partial<ConversationSettings>) => ({
  type: 'conversation.settings',
  conversation: 1,
  data: { ...usual, ...change },
});

/** Ann is in the kitchen, with these settings of it and for everything. */
function kitchen(here: Partial<ConversationSettings> = {}, everywhere: Partial<Notifications> = {}): Story {
  const story = Story.at(9, { settings: { ...usual, ...here } });
  return story.take({ type: 'notifications', notifications: { ...all, ...everywhere } });
}

const told = (story: Story, change: Partial<Message> = {}) =>
  notifies(message(9, change), story.it, story.state, NOW);

describe('a message notifies', () => {
  test('unless it is one’s own, deleted or read', () => {
    expect(told(kitchen())).toBe(true);
    expect(told(kitchen(), { author: { id: 1, username: 'ann' } })).toBe(false);
    expect(told(kitchen(), { text: null, deleted_at: 'then' })).toBe(false);
    expect(told(kitchen().take({ type: 'read', conversation: 1, seq: 9 }))).toBe(false);
  });

  test('by the level of the conversation, else of its kind', () => {
    const rooms = { rooms: 'mentions' } as const;
    expect(told(kitchen({}, rooms))).toBe(false);
    expect(told(kitchen({}, rooms), { text: 'look, @Ann' }), 'the server has looked, and it is nobody').toBe(
      false,
    );
    expect(told(kitchen({}, rooms), { text: 'look, @Ann', mentions: ANN })).toBe(true);
    expect(told(kitchen({}, rooms), { mentions: { ...ANN, people: [], reply_to: 1 } })).toBe(true);
    // Servers before feature level 7 have not looked.
    const earlier = { text: 'look, @Ann', mentions: undefined } as unknown as Partial<Message>;
    expect(told(kitchen({}, rooms), earlier)).toBe(true);
    expect(told(kitchen({ level: 'everything' }, rooms))).toBe(true);
    expect(told(kitchen({ level: 'nothing' }), { mentions: ANN })).toBe(false);
    expect(told(kitchen({}, { ...rooms, keywords: ['lime'] }), { text: 'a LIME-tree' })).toBe(true);
  });

  test('not while the conversation is muted, it is quiet, or one is busy', () => {
    expect(told(kitchen({ muted_until: '2026-01-05T21:30:01Z' }), { mentions: ANN })).toBe(false);
    expect(told(kitchen({ muted_until: '2026-01-05T21:30:00Z' }))).toBe(true);
    const night = { days: [1], from: '22:00', to: '07:00', time_zone: 'Europe/Paris' };
    expect(told(kitchen({}, { quiet_hours: night }))).toBe(false);
    expect(told(kitchen({}, { quiet_hours: { ...night, time_zone: 'UTC' } }))).toBe(true);
    const busy = { type: 'presences', people: [{ user: 1, presence: 'busy', last_seen_at: null }] } as const;
    expect(told(kitchen().take(busy))).toBe(false);
  });

  test('and only what does is told of', () => {
    const tell = { type: 'tell', now: NOW } as const;
    const story = kitchen({ level: 'mentions' }).take({ type: 'listed', ids: new Set([1]) });
    story.hear('message.created', message(10)).hear('message.created', message(11, { mentions: ANN }));
    story.take(tell, tell);
    expect(story.notices.map(({ messages, count }) => [messages.map(({ seq }) => seq), count])).toEqual([
      [[11], 1],
    ]);
  });
});

test('quiet hours hold on their days, across midnight and through a change of the clock', () => {
  const hours = { days: [7], from: '22:00', to: '07:00', time_zone: 'Europe/Paris' };
  const at = (utc: string) => isQuiet(hours, Date.parse(utc));
  // The clock jumps from 2 to 3 in the morning of 29 March 2026, a Sunday.
  expect(at('2026-03-29T19:59:00Z')).toBe(false);
  expect(at('2026-03-29T20:00:00Z')).toBe(true);
  expect(at('2026-03-30T04:59:00Z')).toBe(true);
  expect(at('2026-03-30T05:00:00Z')).toBe(false);
  expect(at('2026-03-29T04:59:00Z')).toBe(false);
  expect(isQuiet({ ...hours, days: [1, 2, 3, 4, 5, 6, 7], time_zone: 'Mars/Olympus' }, NOW)).toBe(false);
});

test('keywords are whole words in any script', () => {
  expect(hasKeyword('Is the DÉPLOY done?', 'deploy')).toBe(true);
  expect(hasKeyword('redeployed', 'deploy')).toBe(false);
  expect(hasKeyword('on, call', 'on call')).toBe(true);
  expect(hasKeyword('on the call', 'on call')).toBe(false);
  expect(hasKeyword('明天发布新版本', '发布')).toBe(true);
  expect(hasKeyword('anything', '…')).toBe(false);
});

describe('settings', () => {
  test('are the latest that were heard', () => {
    const story = kitchen().own(...changed({ ...all, rev: 7, rooms: 'nothing' }, 7));
    story.take({ type: 'notifications', notifications: { ...all, rev: 5 } });
    expect(story.state.notifications?.rooms).toBe('nothing');
    story.own(settings({ level: 'mentions' }), 8);
    expect(story.it.settings.level).toBe('mentions');
  });

  test('a mark takes back how far was read, and the row says how much is unread', () => {
    const story = Story.at(9, { read_seq: 9, last_message: message(9) });
    story.own(settings({ unread_from: 6 }), 1);
    expect(story.it.readSeq).toBe(5);
    expect(story.wants).toEqual([{ type: 'row', conversation: 1 }]);
    const row = conversation(9, { read_seq: 9, unread: 4, settings: { ...usual, unread_from: 6 } });
    story.take({ type: 'rows', rows: [row], shown: false });
    expect(story.it).toMatchObject({ readSeq: 5, unread: 4 });
    // One's own marker, which is further on, says nothing about it.
    const marker = { user: 1, read_seq: 9, delivered_seq: 9, read_at: null };
    story.take({ type: 'marker', conversation: 1, marker });
    expect(story.it).toMatchObject({ readSeq: 5, unread: 4 });
  });

  test('reading on moves the mark, and what was read here is not taken back', () => {
    const marked = { ...usual, unread_from: 6 };
    const story = Story.at(9, { read_seq: 9, unread: 4, settings: marked, last_message: message(9) });
    story.open(
      history(
        [6, 7, 8, 9].map((seq) => message(seq)),
        9,
      ),
    );
    story.take({ type: 'read', conversation: 1, seq: 8 });
    expect(story.it).toMatchObject({ readSeq: 8, unread: 1 });
    story.own(settings({ unread_from: 8 }), 1);
    expect(story.it.readSeq).toBe(8);
    story.own(settings({ unread_from: null }), 2);
    story.take({ type: 'rows', rows: [conversation(9, { read_seq: 9, unread: 0 })], shown: false });
    expect(story.it).toMatchObject({ readSeq: 9, unread: 0 });
  });

  test('a server that knows of none has none', () => {
    const { settings: none, ...old } = conversation(9, { read_seq: 4 });
    expect(none).toBeDefined();
    const story = Story.at(9).take({
      type: 'rows',
      rows: [old as typeof old & { settings: typeof none }],
      shown: true,
    });
    expect(story.it).toMatchObject({ readSeq: 4, settings: usual });
  });
});
