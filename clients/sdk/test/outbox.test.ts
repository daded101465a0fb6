import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Outbox } from '../src/outbox.js';
import { Refusal, unanswered } from '../src/problem.js';
import type { Pending } from '../src/state/pending.js';
import { memoryStorage, type KeyValue } from '../src/storage.js';
import type { MessageSent } from '../src/wire.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Sent {
  readonly text: string;
  readonly clientId: string;
  readonly ack: (seq?: number) => Promise<void>;
  readonly refuse: (refusal: Refusal) => Promise<void>;
}

/** An outbox whose server is the test. */
function outbox(storage: KeyValue = memoryStorage()) {
  const sent: Sent[] = [];
  const it = { online: true, pending: [] as readonly Pending[], sent, storage };
  const box = new Outbox({
    storage,
    now: () => Date.now(),
    random: () => 0,
    changed: (pending) => (it.pending = pending),
    send: ({ text, clientId, conversation }) => {
      if (!it.online) return null;
      return new Promise<MessageSent>((resolve, reject) => {
        const settled = () => Promise.resolve().then(() => undefined);
        sent.push({
          text,
          clientId,
          ack: (seq = 1) => {
            resolve({ conversation, seq, id: seq, client_id: clientId, created_at: '', repeated: false });
            return settled();
          },
          refuse: (refusal) => (reject(refusal), settled()),
        });
      });
    },
  });
  box.open(1);
  return Object.assign(it, { box });
}

const texts = (sent: readonly { readonly text: string }[]) => sent.map((it) => it.text);

test('the next of a conversation waits for the answer to the one before, another conversation does not', async () => {
  const { box, sent } = outbox();
  box.add(1, 'a');
  box.add(1, 'b');
  box.add(2, 'c');
  expect(texts(sent)).toEqual(['a', 'c']);
  await sent[0]?.ack();
  expect(texts(sent)).toEqual(['a', 'c', 'b']);
});

test('one that came too fast is not overtaken, and is said again when the server allows it', async () => {
  const { box, sent, ...it } = outbox();
  box.add(1, 'a');
  box.add(1, 'b');
  await sent[0]?.refuse(new Refusal({ code: 'rate_limited', status: 429, retry_after_ms: 700 }));
  await vi.advanceTimersByTimeAsync(699);
  expect(texts(sent)).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(1);
  expect(texts(sent)).toEqual(['a', 'a']);
  expect(sent[1]?.clientId).toBe(sent[0]?.clientId);
  await sent[1]?.ack();
  expect(texts(sent)).toEqual(['a', 'a', 'b']);
  expect(it).toBeDefined();
});

test.each(['unavailable', 'outcome_unknown', 'storage_full'] as const)('%s is tried again', async (code) => {
  const { box, sent } = outbox();
  box.add(1, 'a');
  await sent[0]?.refuse(new Refusal({ code, status: 503, retry_after_ms: 10 }));
  await vi.advanceTimersByTimeAsync(10);
  expect(texts(sent)).toEqual(['a', 'a']);
});

test('without a line it waits for the line, with the same client id', async () => {
  const it = outbox();
  it.box.add(1, 'a');
  it.online = false;
  await it.sent[0]?.refuse(unanswered('cut'));
  expect(it.pending.map((one) => one.state)).toEqual(['waiting']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(it.sent).toHaveLength(1);
  it.online = true;
  it.box.pump();
  expect(it.sent[1]?.clientId).toBe(it.sent[0]?.clientId);
});

test('what is refused has failed, lets the next one pass, and can be tried again', async () => {
  const it = outbox();
  const id = it.box.add(1, 'a');
  it.box.add(1, 'b');
  await it.sent[0]?.refuse(new Refusal({ code: 'invalid', status: 422, detail: 'too long' }));
  expect(it.pending.map((one) => [one.text, one.state])).toEqual([
    ['a', 'failed'],
    ['b', 'sending'],
  ]);
  expect(it.pending[0]?.refusal?.detail).toBe('too long');
  await it.sent[1]?.ack();
  it.box.retry(id);
  expect(texts(it.sent)).toEqual(['a', 'b', 'a']);
});

test('after an acknowledgement it is kept in view until it is settled, but said no more', async () => {
  const it = outbox();
  const id = it.box.add(1, 'a');
  await it.sent[0]?.ack(7);
  expect(it.pending.map((one) => one.seq)).toEqual([7]);
  expect(outbox(it.storage).sent).toHaveLength(0);
  it.box.settle(new Set([id]));
  expect(it.pending).toEqual([]);
});

test('a reload keeps what was not acknowledged, in order, and what had failed', async () => {
  const first = outbox();
  first.box.add(1, 'refused');
  first.box.add(1, 'a', { parent: 5 });
  first.box.add(1, 'b');
  await first.sent[0]?.refuse(new Refusal({ code: 'forbidden', status: 403, detail: 'no' }));
  const second = outbox(first.storage);
  second.box.pump();
  expect(second.pending.map((one) => [one.text, one.state, one.parent, one.refusal?.code])).toEqual([
    ['refused', 'failed', null, 'forbidden'],
    ['a', 'sending', 5, undefined],
    ['b', 'waiting', null, undefined],
  ]);
  expect(second.sent[0]?.clientId).toBe(first.sent[1]?.clientId);
});

test('what is discarded is gone, also after a reload; what is being sent cannot be', () => {
  const it = outbox();
  const sending = it.box.add(1, 'a');
  const waiting = it.box.add(1, 'b');
  it.box.discard(sending);
  it.box.discard(waiting);
  expect(texts(it.pending)).toEqual(['a']);
  expect(texts(outbox(it.storage).pending)).toEqual(['a']);
});

test('each person has an outbox of their own', () => {
  const it = outbox();
  it.online = false;
  it.box.add(1, 'a');
  it.box.open(2);
  expect(it.pending).toEqual([]);
  it.box.open(1);
  expect(texts(it.pending)).toEqual(['a']);
});

test('a second tab sees what the first has written, and sends it only if the first does not', async () => {
  const values = memoryStorage();
  const watchers: ((key: string | null) => void)[] = [];
  const shared = (): KeyValue => {
    let own: ((key: string | null) => void) | null = null;
    const told = (key: string) => watchers.filter((it) => it !== own).forEach((it) => it(key));
    return {
      getItem: (key) => values.getItem(key),
      setItem: (key, value) => (values.setItem(key, value), told(key)),
      removeItem: (key) => (values.removeItem(key), told(key)),
      watch: (changed) => (watchers.push(changed), (own = changed), () => undefined),
    };
  };
  const [one, two] = [outbox(shared()), outbox(shared())];
  one.box.add(1, 'a');
  expect(texts(two.pending)).toEqual(['a']);
  expect(two.sent).toHaveLength(0);
  await one.sent[0]?.ack();
  expect(two.pending).toEqual([]);

  one.online = false;
  one.box.add(1, 'b');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(texts(two.sent)).toEqual(['b']);
});

/** One storage as two tabs see it. */
function twoTabs(): [KeyValue, KeyValue] {
  const values = memoryStorage();
  const watchers: ((key: string | null) => void)[] = [() => undefined, () => undefined];
  const tab = (at: 0 | 1): KeyValue => {
    const tell = (key: string) => watchers[1 - at]?.(key);
    return {
      getItem: (key) => values.getItem(key),
      setItem: (key, value) => (values.setItem(key, value), tell(key)),
      removeItem: (key) => (values.removeItem(key), tell(key)),
      watch: (changed) => ((watchers[at] = changed), () => undefined),
    };
  };
  return [tab(0), tab(1)];
}

test('what another tab has written is sent there, and holds up nothing once it is', async () => {
  const [here, there] = twoTabs();
  const [one, other] = [outbox(here), outbox(there)];
  one.box.add(1, 'from one');
  expect(texts(other.pending)).toEqual(['from one']);
  expect(texts(other.sent)).toEqual([]);
  await one.sent[0]?.ack();
  expect(texts(other.pending)).toEqual([]);
  other.box.add(1, 'from the other');
  expect(texts(other.sent)).toEqual(['from the other']);
});

test('what another tab has written and not sent is sent here after a while', async () => {
  const [here, there] = twoTabs();
  const [one, other] = [outbox(here), outbox(there)];
  one.online = false;
  one.box.add(1, 'left behind');
  other.box.add(1, 'mine');
  await vi.advanceTimersByTimeAsync(9_000);
  expect(texts(other.sent)).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(texts(other.sent)).toEqual(['left behind']);
  await other.sent[0]?.ack();
  expect(texts(other.sent)).toEqual(['left behind', 'mine']);
});

test('what a full storage does not take is sent all the same, whatever another tab writes there', async () => {
  const [here, there] = twoTabs();
  let full = false;
  const setItem = (key: string, value: string) => {
    if (full) throw new DOMException('full', 'QuotaExceededError');
    here.setItem(key, value);
  };
  const [one, other] = [outbox({ ...here, setItem }), outbox(there)];
  one.box.add(1, 'kept');
  full = true;
  one.box.add(1, 'not kept');
  other.box.add(2, 'theirs');
  expect(texts(one.pending)).toEqual(['kept', 'not kept', 'theirs']);
  await one.sent[0]?.ack();
  await one.sent[1]?.ack();
  expect(texts(one.sent)).toEqual(['kept', 'not kept']);
  one.box.settle(new Set(one.sent.map((it) => it.clientId)));
  expect(texts(one.pending)).toEqual(['theirs']);
});

test('a storage that can do nothing does not hinder anything', async () => {
  const no = () => {
    throw new Error('SecurityError');
  };
  const it = outbox({ getItem: no, setItem: no, removeItem: no });
  const id = it.box.add(1, 'a');
  await it.sent[0]?.refuse(new Refusal({ code: 'invalid', status: 422 }));
  it.box.retry(id);
  await it.sent[1]?.ack();
  it.box.settle(new Set([id]));
  expect(it.pending).toEqual([]);
  it.box.clear();
});

test('two that have one client id are one message', async () => {
  const { box, sent, storage } = outbox();
  expect(box.add(1, 'a', { clientId: 'the-id' })).toBe('the-id');
  box.add(1, 'a', { clientId: 'the-id' });
  expect(sent.map(({ clientId }) => clientId)).toEqual(['the-id']);
  expect(JSON.parse(storage.getItem('palabre.outbox.1') ?? '[]')).toHaveLength(1);
  await sent[0]?.ack();
  expect(storage.getItem('palabre.outbox.1')).toBeNull();
});

test('a clock that is set back makes no message wait for it to come round again', async () => {
  const it = outbox();
  it.box.add(1, 'a');
  await it.sent[0]?.refuse(new Refusal({ code: 'rate_limited', status: 429, retry_after_ms: 5_000 }));
  vi.setSystemTime(Date.now() - 3_600_000);
  it.box.pump();
  expect(texts(it.sent)).toEqual(['a', 'a']);
});
