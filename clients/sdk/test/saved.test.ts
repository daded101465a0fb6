// Saved messages: known once they were asked for, and true from then on.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isSaved } from '../src/index.js';
import type { SavedMessage } from '../src/wire.js';
import { at, authenticated, Story } from './help/made.js';
import { Scripted } from './help/scripted.js';

const saved = (seq: number, rev: number): SavedMessage => ({
  conversation: 1,
  seq,
  saved_at: '2025-01-01T12:00:00.000Z',
  rev,
});

/** Ann's account is at `seq`. */
function arrived(seq: number): Story {
  const story = new Story();
  story.take({ type: 'authenticated', data: authenticated([], 'e', seq), sent: at({}) });
  return story.take({ type: 'drafts', drafts: [], since: seq });
}

const saves = (seq: number) => ({ type: 'message.saved', data: saved(seq, 0) });
const unsaves = (seq: number) => ({ type: 'message.unsaved', data: { conversation: 1, seq } });
const heard = (story: Story, frame: ReturnType<typeof saves>, rev: number) =>
  story.own({ ...frame, data: { ...frame.data, rev } }, rev);
const known = ({ state }: Story, seqs: readonly number[]) =>
  seqs.map((seq) => isSaved(state, { conversation: 1, seq }));

test('what is saved is not known before it was asked for, and then of every message', () => {
  const story = heard(arrived(15), saves(3), 16);
  expect(known(story, [2, 3])).toEqual([null, true]);
  story.take({ type: 'saved', saved: [saved(2, 9), saved(3, 16)], into: story.state.own.begun });
  expect(known(story, [1, 2, 3])).toEqual([false, true, true]);
});

test('what has happened while the list was read stands', () => {
  const story = arrived(15);
  const into = story.state.own.begun;
  story.own(unsaves(2), 16);
  heard(story, saves(4), 17).own(unsaves(4), 18);
  heard(story, saves(5), 19).own(unsaves(5), 20);
  heard(story, saves(5), 21);
  story.take({ type: 'saved', saved: [saved(2, 9), saved(3, 10), saved(4, 17), saved(5, 19)], into });
  expect(known(story, [2, 3, 4, 5])).toEqual([false, true, false, true]);
});

test('an account that begins anew knows nothing of what was saved, and takes no list from before', () => {
  const story = arrived(15);
  const into = story.state.own.begun;
  story.take({ type: 'saved', saved: [saved(2, 9)], into });
  story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated([], 'e', 900), sent: at({}, 15) });
  story.own({ type: 'account.reset', data: {} }, 900);
  expect(known(story, [2, 3])).toEqual([null, null]);
  story.take({ type: 'saved', saved: [saved(2, 9)], into });
  expect(known(story, [2, 3])).toEqual([null, null]);
});

test('who was away comes back with what is known, and the events that were missed', () => {
  const story = arrived(15);
  story.take({ type: 'saved', saved: [saved(2, 9)], into: story.state.own.begun });
  story.take({ type: 'cut' }, { type: 'authenticated', data: authenticated([], 'e', 18), sent: at({}, 15) });
  expect(known(story, [2, 3])).toEqual([true, false]);
  story.own(unsaves(2), 17, 15);
  expect(known(heard(story, saves(3), 18), [2, 3])).toEqual([false, true]);
});

// With a client ------------------------------------------------------------------------------------

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a client reads the list page by page, without the messages, and once', async () => {
  const server = new Scripted();
  server.accountSeq = 15;
  const entry = (seq: number, rev: number) => ({ saved: saved(seq, rev), message: null });
  const pages = [
    { entries: [entry(3, 12), entry(2, 9)], next_cursor: '9' },
    { entries: [entry(1, 4)], next_cursor: null },
  ];
  server.answer = ({ type, data }) =>
    type === 'saved.list' ? { data: pages[data.cursor === '9' ? 1 : 0] ?? {} } : undefined;
  const client = server.client();
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await vi.advanceTimersByTimeAsync(1);
  await client.loadSaved();
  await client.loadSaved();
  const asked = server.commands.filter(({ type }) => type === 'saved.list').map(({ data }) => data);
  expect(asked).toEqual([
    { limit: 200, messages: false },
    { limit: 200, messages: false, cursor: '9' },
  ]);
  expect([...client.state.saved.known.keys()]).toEqual(['1/3', '1/2', '1/1']);
  expect(isSaved(client.state, { conversation: 1, seq: 4 })).toBe(false);
});
