import { Refusal, type Draft, type State } from '@palabre/sdk';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Written } from './drafts.svelte';

/** A server, a device's storage and a line, as far as drafts need them. */
const world = vi.hoisted(() => {
  const page = new EventTarget();
  const stored = new Map<string, string>();
  Object.assign(globalThis, {
    document: Object.assign(new EventTarget(), { hidden: false, querySelector: () => null }),
    addEventListener: page.addEventListener.bind(page),
    localStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    },
  });
  return { page, stored };
});
type Heard = (state: State, before: State) => void;
const { client, town, heard, ended } = vi.hoisted(() => {
  const heard: Heard[] = [];
  const ended: (() => void)[] = [];
  const state = {} as State;
  return {
    heard,
    ended,
    town: { state, drafts: new Map<string, Draft>() },
    client: {
      subscribe: (listener: Heard) => void heard.push(listener),
      on: (_type: string, listener: () => void) => void ended.push(listener),
      saveDraft: vi.fn(),
      discardDraft: vi.fn(),
    },
  };
});
vi.mock('./town.svelte', () => ({ client, town }));
vi.mock('@palabre/sdk', async (original) => ({
  ...(await original<object>()),
  saveDraft: (_client: unknown, data: unknown) => client.saveDraft(data),
  discardDraft: (_client: unknown, ...place: unknown[]) => client.discardDraft(...place),
}));

const drafts = await import('./drafts.svelte');
const { leaveOther, useOther } = await import('./saving');

const stateOf = (user: number, online: boolean) =>
  ({
    line: online ? 'online' : 'waiting',
    me: { id: user },
    accountSeq: 10,
    own: { whole: true, gap: null, liveFrom: 10 },
  }) as unknown as State;

/** Somebody's line is there, or away. */
function line(user: number, online: boolean): void {
  const before = town.state;
  town.state = stateOf(user, online);
  for (const listener of heard) listener(town.state, before);
}

let rev = 10;
const kept = (text: string, change: Partial<Draft> = {}): Draft => ({
  conversation: 7,
  edit: null,
  thread: null,
  text,
  parent: null,
  rev: (rev += 1),
  saved_at: '2026-01-01T12:00:00.000Z',
  ...change,
});
const written = (text: string, parent: number | null = null): Written => ({ text, parent });
const stored = (user: number) =>
  JSON.parse(world.stored.get(`palabre.drafts.${user}`) ?? '{}') as Record<string, { text: string }>;
const rest = () => vi.advanceTimersByTimeAsync(drafts.REST_MS + 50);

/** The server keeps what it is given, and says so as the SDK does. */
function obey(): void {
  client.saveDraft.mockImplementation((data: Draft) => {
    const draft = kept(data.text, { parent: data.parent });
    town.drafts = new Map(town.drafts).set('7', draft);
    return Promise.resolve({ ...draft, replaced: null });
  });
  client.discardDraft.mockImplementation((conversation: number) => {
    town.drafts = new Map([...town.drafts].filter(([key]) => key !== `${conversation}`));
    return Promise.resolve();
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  for (const end of ended) end();
  world.stored.clear();
  vi.resetAllMocks();
  town.drafts = new Map();
  town.state = {} as State;
  obey();
  line(1, true);
});

test('drafts are stored for each person and conversation apart, until the server has them, whatever ends the session', async () => {
  line(1, false);
  drafts.write('7', written('half a thought'));
  drafts.write('8', written('another'));
  line(2, false);
  expect(drafts.draft('7')).toBeUndefined();
  drafts.write('7', written('somebody else’s'));
  line(1, false);
  expect([drafts.waiting(7), drafts.waiting(8)]).toEqual(['half a thought', 'another']);
  for (const end of ended) end();
  expect([drafts.draft('7'), stored(2)['7']?.text]).toEqual([undefined, 'somebody else’s']);
  await rest();
  expect(client.saveDraft).not.toHaveBeenCalled();
  line(1, true);
  expect([drafts.waiting(7), drafts.waiting(8)]).toEqual(['half a thought', 'another']);
  await rest();
  expect([client.saveDraft.mock.calls.length, stored(1)]).toEqual([2, {}]);
});

/** Another tab has changed the storage of somebody’s drafts. */
function inAnotherTab(user: number, texts: Record<string, unknown>): void {
  world.stored.set(`palabre.drafts.${user}`, JSON.stringify(texts));
  world.page.dispatchEvent(Object.assign(new Event('storage'), { key: `palabre.drafts.${user}` }));
}

test('what is sent in one tab is gone in the other, and would be the same message there', () => {
  line(1, false);
  drafts.write('7', written('once'));
  const [id, before] = [drafts.clientIdOf('7'), stored(1)];
  drafts.write('7', written('once only'));
  expect(drafts.clientIdOf('7')).toBe(id);
  inAnotherTab(1, { ...before, 8: { text: 'there', parent: null, rev: 0, id: 'other' } });
  expect([drafts.waiting(7), drafts.waiting(8), drafts.clientIdOf('8')]).toEqual(['once', 'there', 'other']);
  inAnotherTab(1, {});
  expect([drafts.draft('7'), drafts.draft('8')]).toEqual([undefined, undefined]);
  drafts.write('7', written('once'));
  expect(drafts.clientIdOf('7')).not.toBe(id);
});

test('a text whose copy another tab took away stands until the server says that it has it', async () => {
  drafts.write('7', written('once'));
  inAnotherTab(1, {});
  expect(drafts.waiting(7)).toBe('once');
  town.drafts = new Map([['7', kept('once, and more')]]);
  line(1, true);
  expect(drafts.waiting(7)).toBe('once, and more');
  // It was sent there, and the server never had it.
  drafts.write('8', written('sent'));
  inAnotherTab(1, {});
  await vi.advanceTimersByTimeAsync(9_000);
  expect(drafts.waiting(8)).toBe('sent');
  await vi.advanceTimersByTimeAsync(2_000);
  expect([drafts.draft('8'), client.saveDraft.mock.calls]).toEqual([undefined, []]);
  // A draft that is sent before the server's word has come is discarded on the server.
  drafts.write('9', written('quick'));
  inAnotherTab(1, {});
  drafts.drop('9');
  await vi.advanceTimersByTimeAsync(100);
  expect([drafts.draft('9'), client.discardDraft.mock.calls.length]).toEqual([undefined, 1]);
});

test('what another tab sends while this one saves it is discarded, though nobody has said so here', async () => {
  let answers = () => {};
  client.saveDraft.mockImplementationOnce((data: Draft) => {
    const draft = kept(data.text);
    town.drafts = new Map([['7', draft]]);
    return new Promise((resolve) => (answers = () => resolve({ ...draft, replaced: null })));
  });
  drafts.write('7', written('said once'));
  await rest();
  const gone = { text: '', parent: null, rev: 0, gone: true, was: 'said once' };
  world.stored.set('palabre.drafts.1', JSON.stringify({ 7: gone }));
  answers();
  await vi.advanceTimersByTimeAsync(100);
  expect([client.discardDraft.mock.calls.length, drafts.draft('7')]).toEqual([1, undefined]);
});

test('one draft that the server has is one message, wherever it is sent; the next one is another', () => {
  const draft = kept('begun');
  town.drafts = new Map([['7', draft]]);
  const id = drafts.clientIdOf('7');
  expect([drafts.clientIdOf('7'), id.length <= 64]).toEqual([id, true]);
  town.drafts = new Map([['7', kept('begun')]]);
  expect(drafts.clientIdOf('7')).not.toBe(id);
  town.drafts = new Map([['7', { ...draft, text: 'of another history' }]]);
  expect(drafts.clientIdOf('7')).not.toBe(id);
});

test('what another tab has saved is the same message here, before the server’s word has come', async () => {
  drafts.write('7', written('once'));
  await rest();
  const [saved, word] = [drafts.clientIdOf('7'), town.drafts];
  expect(saved).toMatch(/^draft-7-/);
  // The same seen from a tab that knows of the text, but not yet that it was saved.
  town.drafts = new Map();
  inAnotherTab(1, { 7: { text: 'once', parent: null, rev: 0, id: 'unsaved' } });
  expect(drafts.clientIdOf('7')).toBe('unsaved');
  world.stored.delete('palabre.drafts.1');
  expect(drafts.clientIdOf('7')).toBe(saved);
  inAnotherTab(1, {});
  expect([drafts.waiting(7), drafts.clientIdOf('7')]).toEqual(['once', saved]);
  town.drafts = word;
  line(1, true);
  expect(drafts.clientIdOf('7')).toBe(saved);
  // A text that is changed after that is another message, and so is another text that a tab has taken away.
  drafts.write('7', written('once more'));
  world.stored.delete('palabre.drafts.1');
  expect(drafts.clientIdOf('7')).not.toBe(saved);
  for (const end of ended) end();
  expect([...world.stored.keys()]).toEqual([]);
});

test('who logs out gives the server first what it does not have; what it does not take stays', async () => {
  drafts.write('7', written('given'));
  drafts.write('8', written('  '));
  const saved = drafts.saveAll();
  await vi.advanceTimersByTimeAsync(3_000);
  expect([await saved, stored(1)]).toEqual([0, {}]);
  client.saveDraft.mockRejectedValue(new Refusal({ code: 'invalid', status: 422 }));
  drafts.write('7', written('too long'));
  const refused = drafts.saveAll();
  await vi.advanceTimersByTimeAsync(3_000);
  expect([await refused, stored(1)['7']?.text]).toEqual([1, 'too long']);
  line(1, false);
  expect(await drafts.saveAll()).toBe(1);
});

test('what another tab writes is its own, and stays in the storage', () => {
  line(1, false);
  drafts.write('7', written('here'));
  const other = { ...stored(1), 8: { text: 'in the other tab', parent: null, rev: 0 } };
  world.stored.set('palabre.drafts.1', JSON.stringify(other));
  drafts.write('7', written('here, too'));
  expect([stored(1)['8']?.text, drafts.waiting(8)]).toEqual(['in the other tab', '']);
});

test('a text from before the server kept drafts is still there, and is saved', async () => {
  line(1, false);
  world.stored.set('palabre.drafts.3', '{"7":"from long ago"}');
  line(3, true);
  await vi.advanceTimersByTimeAsync(50);
  expect(drafts.waiting(7)).toBe('from long ago');
  expect(client.saveDraft).toHaveBeenCalledWith(expect.objectContaining({ text: 'from long ago', since: 0 }));
});

test('a text is saved after a rest, with the quote and what it was begun from', async () => {
  town.drafts.set('7', kept('he'));
  const since = rev;
  drafts.write('7', written('hey', 40));
  await vi.advanceTimersByTimeAsync(drafts.REST_MS - 100);
  drafts.write('7', written('hey you', 40));
  await vi.advanceTimersByTimeAsync(drafts.REST_MS - 100);
  expect(client.saveDraft).not.toHaveBeenCalled();
  expect(stored(1)['7']?.text).toBe('hey you');
  await vi.advanceTimersByTimeAsync(200);
  expect(client.saveDraft).toHaveBeenCalledExactlyOnceWith({
    conversation: 7,
    edit: null,
    text: 'hey you',
    parent: 40,
    since,
  });
  expect(stored(1)).toEqual({});
  expect(drafts.draft('7')).toMatchObject(written('hey you', 40));
});

test('leaving saves at once: another conversation, a hidden tab, a page that is closed', async () => {
  drafts.write('7', written('one'));
  drafts.saveNow('7');
  await vi.advanceTimersByTimeAsync(50);
  drafts.write('7', written('two'));
  world.page.dispatchEvent(new Event('pagehide'));
  await vi.advanceTimersByTimeAsync(50);
  drafts.write('7', written('three'));
  Object.assign(document, { hidden: true });
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(50);
  expect(client.saveDraft.mock.calls.map(([data]) => (data as Draft).text)).toEqual(['one', 'two', 'three']);
  // Nothing has changed since.
  drafts.saveNow('7');
  await rest();
  expect(client.saveDraft).toHaveBeenCalledTimes(3);
});

test('nothing is saved while an input method composes; its end is a change', async () => {
  drafts.compose('7', true);
  drafts.write('7', written('ni hao'));
  await rest();
  expect(client.saveDraft).not.toHaveBeenCalled();
  drafts.write('7', written('你好'));
  drafts.compose('7', false);
  await rest();
  expect(client.saveDraft).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ text: '你好' }));
});

test('a phone’s keyboard composes until the page is left, which saves all the same', async () => {
  drafts.compose('7', true);
  drafts.write('7', written('on my way'));
  await rest();
  world.page.dispatchEvent(new Event('pagehide'));
  await vi.advanceTimersByTimeAsync(50);
  expect(client.saveDraft).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ text: 'on my way' }));
  drafts.compose('7', false);
});

test('a draft of another device shows up where nothing is written, and goes with it', () => {
  town.drafts = new Map([['7', kept('from the phone', { parent: 3 })]]);
  expect(drafts.draft('7')).toMatchObject(written('from the phone', 3));
  expect(drafts.otherDraft('7')).toBeUndefined();
  town.drafts = new Map();
  expect(drafts.draft('7')).toBeUndefined();
});

test('one’s own text stands, and the other one is offered; taking it offers one’s own', async () => {
  town.drafts = new Map([['7', kept('begun')]]);
  drafts.write('7', written('begun here'));
  town.drafts = new Map([['7', kept('begun there')]]);
  expect(drafts.waiting(7)).toBe('begun here');
  expect(drafts.otherDraft('7')?.text).toBe('begun there');
  useOther('7');
  expect(drafts.waiting(7)).toBe('begun there');
  expect(drafts.otherDraft('7')).toMatchObject({ text: 'begun here', here: true });
  await rest();
  expect(client.saveDraft).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ text: 'begun there', since: rev - 1 }),
  );
  leaveOther('7');
  expect(drafts.otherDraft('7')).toBeUndefined();
});

test('who leaves the other text knows of it: it is not offered again', async () => {
  drafts.write('7', written('here'));
  town.drafts = new Map([['7', kept('there')]]);
  const since = rev;
  leaveOther('7');
  expect(drafts.otherDraft('7')).toBeUndefined();
  await rest();
  expect(client.saveDraft).toHaveBeenCalledWith(expect.objectContaining({ text: 'here', since }));
});

test('what the server had to replace is offered', async () => {
  const before = kept('there');
  client.saveDraft.mockImplementation(() => {
    const draft = kept('here');
    town.drafts = new Map([['7', draft]]);
    return Promise.resolve({ ...draft, replaced: before });
  });
  drafts.write('7', written('here'));
  await rest();
  expect([drafts.waiting(7), drafts.otherDraft('7')?.text]).toEqual(['here', 'there']);
});

test('what was sent is discarded, and does not come back with a late answer', async () => {
  let answer = (_draft: unknown): void => {};
  client.saveDraft.mockReturnValue(new Promise((resolve) => (answer = resolve)));
  drafts.write('7', written('sent soon'));
  await rest();
  drafts.drop('7');
  const draft = kept('sent soon');
  // The event comes before the answer.
  town.drafts = new Map([['7', draft]]);
  expect(drafts.draft('7')).toBeUndefined();
  answer({ ...draft, replaced: null });
  await vi.advanceTimersByTimeAsync(50);
  expect(client.discardDraft).toHaveBeenCalledExactlyOnceWith(7, null, null);
  expect([drafts.draft('7'), stored(1)]).toEqual([undefined, {}]);
  // It is written anew elsewhere.
  town.drafts = new Map([['7', kept('something else')]]);
  expect(drafts.waiting(7)).toBe('something else');
});

test('what is written while a save is under way is saved next, as begun from that one', async () => {
  let answer = (_draft: unknown): void => {};
  client.saveDraft.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  drafts.write('7', written('first'));
  await rest();
  drafts.write('7', written('first and more'));
  const first = kept('first');
  town.drafts = new Map([['7', first]]);
  answer({ ...first, replaced: null });
  await rest();
  expect(client.saveDraft).toHaveBeenLastCalledWith(
    expect.objectContaining({ text: 'first and more', since: first.rev }),
  );
  expect([client.saveDraft.mock.calls.length, stored(1), drafts.waiting(7)]).toEqual([
    2,
    {},
    'first and more',
  ]);
});

test('without a line all waits for it; what another device wrote on is neither discarded nor replaced unasked', async () => {
  town.drafts = new Map([
    ['7', kept('seven')],
    ['8', kept('eight', { conversation: 8 })],
    ['9', kept('nine', { conversation: 9 })],
  ]);
  line(1, false);
  drafts.drop('7');
  drafts.drop('8');
  drafts.write('9', written('nine here'));
  drafts.write('6', written('six'));
  await rest();
  expect(client.discardDraft).not.toHaveBeenCalled();
  town.drafts = new Map([...town.drafts])
    .set('8', kept('eight and more', { conversation: 8 }))
    .set('9', kept('nine there', { conversation: 9 }));
  line(1, true);
  await vi.advanceTimersByTimeAsync(50);
  expect(client.discardDraft).toHaveBeenCalledExactlyOnceWith(7, null, null);
  expect(client.saveDraft).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ text: 'six' }));
  expect(drafts.waiting(8)).toBe('eight and more');
  expect([drafts.waiting(9), drafts.otherDraft('9')?.text]).toEqual(['nine here', 'nine there']);
});

test('what was missed is known before anything is saved over it', async () => {
  line(1, false);
  drafts.write('7', written('here'));
  const before = town.state;
  town.state = stateOf(1, true);
  Object.assign(town.state, { own: { whole: true, gap: null, liveFrom: 12 } });
  for (const listener of heard) listener(town.state, before);
  await rest();
  expect(client.saveDraft).not.toHaveBeenCalled();
  line(1, true);
  await vi.advanceTimersByTimeAsync(50);
  expect(client.saveDraft).toHaveBeenCalledOnce();
});

test('a refusal that passes is tried again; one that does not leaves the text on the device', async () => {
  const busy = new Refusal({ code: 'rate_limited', status: 429 });
  client.saveDraft.mockRejectedValueOnce(busy);
  drafts.write('7', written('hey'));
  await rest();
  expect(stored(1)['7']?.text).toBe('hey');
  await rest();
  expect([client.saveDraft.mock.calls.length, stored(1)]).toEqual([2, {}]);

  client.saveDraft.mockRejectedValue(new Refusal({ code: 'invalid', status: 422 }));
  drafts.write('7', written('too long'));
  await rest();
  await rest();
  expect([client.saveDraft.mock.calls.length, drafts.waiting(7)]).toEqual([3, 'too long']);
});

test('an answer that was lost does not offer one’s own text as that of another device', async () => {
  client.saveDraft.mockRejectedValueOnce(new Refusal({ code: 'network' }));
  drafts.write('7', written('hey'));
  await rest();
  drafts.write('7', written('hey you'));
  town.drafts = new Map([['7', kept('hey')]]);
  expect(drafts.otherDraft('7')).toBeUndefined();
});

test('spaces alone are nothing to the server, and stay where they are written', async () => {
  drafts.write('7', written('  '));
  await rest();
  expect(client.saveDraft).not.toHaveBeenCalled();
  expect(drafts.draft('7')?.text).toBe('  ');
});

test('edits are drafts of their own', () => {
  drafts.write('7/40', written('better'));
  town.drafts = new Map([
    ['7/41', kept('elsewhere', { edit: 41 })],
    ['77/1', kept('of another', { conversation: 77, edit: 1 })],
  ]);
  expect(drafts.edits(7)).toEqual([40, 41]);
  expect(drafts.draft('7')).toBeUndefined();
  drafts.drop('7/40');
  drafts.drop('7/41');
  expect(drafts.edits(7)).toEqual([]);
});
