import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Socket, type CloseReason, type WebSocketLike } from '../src/socket.js';

/** A server that lets in, and answers only while `answers` says so. */
class Quiet implements WebSocketLike {
  static answers = true;
  /** A field that it does not know. */
  static refuses = '';
  static limits: { readonly frame_bytes: number } | undefined;
  static sent: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[] = [];
  readonly readyState = 1;
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;

  constructor() {
    queueMicrotask(() => this.onopen?.(undefined as never));
  }

  send(text: string): void {
    const {
      id,
      type,
      data: given,
    } = JSON.parse(text) as {
      id: string;
      type: string;
      data: Readonly<Record<string, unknown>>;
    };
    Quiet.sent.push({ type, data: given });
    if (!Quiet.answers && type !== 'authenticate') return;
    if (Quiet.refuses in given) {
      const refusal = JSON.stringify({ re: id, type: 'error', error: { code: 'invalid', status: 422 } });
      return queueMicrotask(() => this.onmessage?.({ data: refusal } as never));
    }
    const data = type === 'authenticate' ? { ping_seconds: 25, limits: Quiet.limits } : {};
    const answer = JSON.stringify({ re: id, type: type === 'authenticate' ? 'authenticated' : 'done', data });
    queueMicrotask(() => this.onmessage?.({ data: answer } as never));
  }

  close(): void {}
}

let ends: CloseReason[] = [];

async function connected(
  cursors: Readonly<Record<string, number>> = {},
  epoch: string | null = null,
  accountSeq: number | null = null,
  serverLevel = 0,
): Promise<Socket> {
  const socket = new Socket(
    {
      url: 'http://here',
      WebSocket: Quiet,
      token: 't',
      position: () => ({ cursors, epoch, accountSeq, serverLevel }),
      now: Date.now,
    },
    { authenticated() {}, event() {}, wire() {}, closed: (reason) => ends.push(reason) },
  );
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.open).toBe(true);
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  Quiet.answers = true;
  Quiet.refuses = '';
  Quiet.limits = undefined;
  Quiet.sent = [];
  ends = [];
});
afterEach(() => void vi.useRealTimers());

test('a line on which nothing comes after a command is given up long before the next ping', async () => {
  const socket = await connected();
  Quiet.answers = false;
  const answer = socket.command('typing.set', { conversation: 1, typing: true });
  const refused = expect(answer).rejects.toMatchObject({ code: 'network' });
  await vi.advanceTimersByTimeAsync(9_900);
  expect(ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(ends).toMatchObject([{ code: 'broken', retry: true }]);
  await refused;
});

test('a line that answers stays, however long nobody says anything', async () => {
  const socket = await connected();
  await socket.command('typing.set', { conversation: 1, typing: true });
  await vi.advanceTimersByTimeAsync(300_000);
  expect(ends).toEqual([]);
  expect(socket.open).toBe(true);
});

const send = (socket: Socket, text: string) =>
  socket.command('message.send', { conversation: 1, client_id: 'c', text });

test.each([undefined, { frame_bytes: 300 }])(
  'what is larger than a frame may be is refused without being sent (limits: %j)',
  async (limits) => {
    Quiet.limits = limits;
    const socket = await connected();
    const most = limits?.frame_bytes ?? 65_536;
    // Two bytes each.
    await expect(send(socket, 'é'.repeat(most / 2))).rejects.toMatchObject({
      code: 'too_large',
      status: 413,
      passing: false,
      detail: expect.stringContaining(`at most ${most} can be sent at once`) as string,
    });
    await send(socket, 'é'.repeat(most / 4));
    expect(Quiet.sent.map(({ type }) => type)).toEqual(['authenticate', 'message.send']);
  },
);

test('who is in very many conversations comes in all the same, with as many cursors as a frame holds', async () => {
  const many = Object.fromEntries(Array.from({ length: 9_000 }, (_none, at) => [100_000 + at, 1_234_567]));
  await connected(many);
  const greeting = JSON.stringify({ id: 'c1', ...Quiet.sent[0] });
  expect(greeting.length).toBeLessThanOrEqual(65_536);
  expect(greeting.length).toBeGreaterThan(65_000);
});

test('the history of which the cursors are is said with them, once the server has named it', async () => {
  await connected({ 12: 40 });
  await connected({ 12: 40 }, 'c0ffee');
  expect(Quiet.sent.map(({ data }) => data)).toEqual([
    { token: 't', cursors: { 12: 40 }, feature_level: 7 },
    { token: 't', cursors: { 12: 40 }, epoch: 'c0ffee', feature_level: 7 },
  ]);
});

test('an older server that does not know the word is greeted without it', async () => {
  Quiet.refuses = 'epoch';
  await connected({ 12: 40 }, 'c0ffee');
  expect(Quiet.sent.map(({ data }) => 'epoch' in data)).toEqual([true, true, false]);
});

test('the cursor of the account is said with the others, and kept back from a server that does not know it', async () => {
  await connected({ 12: 40 }, 'c0ffee', 15, 6);
  Quiet.refuses = 'account_seq';
  await connected({ 12: 40 }, 'c0ffee', 15, 6);
  Quiet.refuses = 'epoch';
  await connected({ 12: 40 }, 'c0ffee', 15, 6);
  const whole = { token: 't', cursors: { 12: 40 }, epoch: 'c0ffee', account_seq: 15 };
  const { account_seq: _account, ...four } = whole;
  const { epoch: _epoch, ...three } = four;
  expect(Quiet.sent.map(({ data }) => data)).toEqual([whole, whole, four, whole, four, three]);
});

test('what the client was written for is said to a server that asks for it, or has not said what it knows', async () => {
  const levels = () => Quiet.sent.splice(0).map(({ data }) => data.feature_level);
  await connected();
  expect(levels()).toEqual([7]);
  await connected({}, 'c0ffee', 1, 8);
  expect(levels()).toEqual([7]);
  await connected({}, 'c0ffee', 1, 6);
  expect(levels()).toEqual([undefined]);
  // One that has not said it yet, or another than the one before, and refuses the word.
  Quiet.refuses = 'feature_level';
  await connected();
  expect(levels()).toEqual([7, undefined]);
});
