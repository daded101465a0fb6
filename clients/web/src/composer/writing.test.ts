import type { Draft, Message } from '@palabre/sdk';
import { beforeEach, expect, test, vi } from 'vitest';

const { client, toast, store, quotes, town, orphans } = vi.hoisted(() => {
  const store = new Map<string, { text: string; parent: number | null }>();
  return {
    orphans: new Set<string>(),
    client: { send: vi.fn(), typing: vi.fn(), command: vi.fn() },
    toast: vi.fn(),
    store,
    quotes: new Map<number, Message | null>(),
    town: {
      me: { id: 1 },
      drafts: new Map<string, Draft>(),
      state: {
        line: 'online',
        limits: { message_length: 5 },
        accountSeq: 1,
        own: { whole: true, gap: null, liveFrom: 0 },
      },
    },
  };
});
vi.mock('../town/town.svelte', () => ({ client, town }));
vi.mock('../town/complaint', () => ({ complain: toast }));
const fetchQuoted = vi.hoisted(() => vi.fn());
vi.mock('../town/quotes.svelte', () => ({
  quoted: (_conversation: number, seq: number) => quotes.get(seq),
  fetchQuoted,
}));
vi.mock('../town/drafts.svelte', () => ({
  draft: (key: string) => store.get(key),
  write: (key: string, written: { text: string; parent: number | null }) => store.set(key, written),
  drop: (key: string) => store.delete(key),
  edits: () => [...store.keys()].filter((key) => key.includes('/')).map((key) => Number(key.split('/')[1])),
  otherDraft: () => undefined,
  compose: () => {},
  saveNow: () => {},
  orphan: (key: string) => orphans.add(key),
  clientIdOf: () => 'the-id',
}));

const { Writing } = await import('./writing.svelte');
const own = { conversation: 1, seq: 7, text: 'old', author: { id: 1 } } as Message;
const others = { conversation: 1, seq: 8, text: 'what?', author: { id: 2 } } as Message;

function write(writing: InstanceType<typeof Writing>, text: string): void {
  writing.text = text;
  writing.changed();
}

beforeEach(() => {
  vi.resetAllMocks();
  store.clear();
  quotes.clear();
  quotes.set(7, own).set(8, others);
});

test('a draft is kept while it is written, and gone once it is sent', () => {
  const writing = new Writing(1);
  write(writing, ' hey ');
  expect(store.get('1')?.text).toBe(' hey ');
  expect(new Writing(1).text).toBe(' hey ');
  writing.reply(others);
  expect([writing.replyTo, writing.text]).toEqual([others, ' hey ']);
  expect(new Writing(1).replyTo).toBe(others);
  writing.send();
  expect(client.send).toHaveBeenCalledWith(1, ' hey', { parent: 8, clientId: 'the-id' });
  expect([writing.text, writing.replyTo, store.size]).toEqual(['', null, 0]);
});

test('a quote that is given up, or that is no longer there, is not sent', () => {
  const writing = new Writing(1);
  writing.reply(others);
  expect(store.get('1')).toEqual({ text: '', parent: 8 });
  writing.stop();
  expect(store.size).toBe(0);
  write(writing, 'hey');
  writing.reply(others);
  quotes.set(8, null);
  writing.send();
  expect(client.send).toHaveBeenCalledWith(1, 'hey', { clientId: 'the-id' });
});

test('a quote that is not on the screen is asked for, and sent before it is here', () => {
  quotes.delete(8);
  store.set('1', { text: 'hey', parent: 8 });
  const writing = new Writing(1);
  writing.follow();
  expect(fetchQuoted).toHaveBeenCalledWith(1, 8);
  writing.send();
  expect(client.send).toHaveBeenCalledWith(1, 'hey', { parent: 8, clientId: 'the-id' });
});

test('neither an empty text nor a long one can be sent, and an emoji is one character', () => {
  const writing = new Writing(1);
  for (const [text, ready] of [
    ['', false],
    ['  ', false],
    ['12345', true],
    ['123456', false],
    ['🎉🎉🎉🎉🎉', true],
  ] as const) {
    write(writing, text);
    expect(writing.readyWith(0), text).toBe(ready);
  }
});

test('the message that is edited takes the place of the draft, and gives it back', async () => {
  const writing = new Writing(1);
  write(writing, 'draft');
  writing.begin(own);
  expect([writing.text, writing.replyTo]).toEqual(['old', null]);
  expect(store.has('1/7')).toBe(false);
  write(writing, 'new');
  expect([store.get('1')?.text, store.get('1/7')?.text]).toEqual(['draft', 'new']);
  await writing.save();
  expect(client.command).toHaveBeenCalledWith('message.edit', { conversation: 1, seq: 7, text: 'new' });
  expect([writing.edit, writing.text, store.has('1/7')]).toEqual([null, 'draft', false]);
});

test('a refusal leaves the edited text where it is', async () => {
  client.command.mockRejectedValue(new Error('no'));
  const writing = new Writing(1);
  writing.begin(own);
  write(writing, 'new');
  await writing.save();
  expect(toast).toHaveBeenCalledOnce();
  expect([writing.edit, writing.text]).toEqual([7, 'new']);
  writing.stop();
  expect([writing.edit, writing.text, store.size]).toEqual([null, '', 0]);
});

test('an edit that was begun elsewhere goes on when the conversation is opened, if nothing else is written', () => {
  store.set('1/7', { text: 'better', parent: null });
  const writing = new Writing(1);
  quotes.delete(7);
  writing.follow();
  expect([writing.edit, fetchQuoted.mock.calls]).toEqual([null, [[1, 7]]]);
  quotes.set(7, own);
  writing.follow();
  expect([writing.edit, writing.text]).toEqual([7, 'better']);

  store.set('1', { text: 'hey', parent: null });
  const busy = new Writing(1);
  busy.follow();
  expect([busy.edit, busy.text]).toEqual([null, 'hey']);
  // Chosen by hand it has the text all the same.
  busy.begin(own);
  expect(busy.text).toBe('better');
});

test('an edit that is begun elsewhere later on does not come between, nor does one of a message that is gone, whose text stays', () => {
  const writing = new Writing(1);
  writing.follow();
  store.set('1/7', { text: 'better', parent: null });
  writing.follow();
  expect(writing.edit).toBeNull();
  quotes.set(7, { ...own, text: null });
  const next = new Writing(1);
  next.follow();
  expect([next.edit, store.get('1/7')?.text, [...orphans]]).toEqual([null, 'better', ['1/7']]);
});

test('an edit that another device has saved or given up is over here, too; a text that is as before is not', () => {
  const writing = new Writing(1);
  writing.begin(own);
  write(writing, 'better');
  writing.follow();
  write(writing, 'old');
  writing.follow();
  expect([writing.edit, store.size]).toEqual([7, 0]);
  write(writing, 'better');
  writing.follow();
  store.clear();
  writing.follow();
  expect([writing.edit, writing.text]).toEqual([null, '']);
});
