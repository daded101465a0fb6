import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Socket, type Goodbye, type WebSocketLike } from '../src/socket.js';

/** A server that lets in, and answers only while `answers` says so. */
class Quiet implements WebSocketLike {
  static answers = true;
  readonly readyState = 1;
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;

  constructor() {
    queueMicrotask(() => this.onopen?.(undefined as never));
  }

  send(text: string): void {
    const { id, type } = JSON.parse(text) as { id: string; type: string };
    if (!Quiet.answers && type !== 'authenticate') return;
    const data = type === 'authenticate' ? { ping_seconds: 25 } : {};
    const answer = JSON.stringify({ re: id, type: type === 'authenticate' ? 'authenticated' : 'done', data });
    queueMicrotask(() => this.onmessage?.({ data: answer } as never));
  }

  close(): void {}
}

let ends: Goodbye[] = [];

async function connected(): Promise<Socket> {
  const socket = new Socket(
    { url: 'http://here', WebSocket: Quiet, token: 't', cursors: () => ({}), now: Date.now },
    { authenticated() {}, event() {}, wire() {}, closed: (goodbye) => ends.push(goodbye) },
  );
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.open).toBe(true);
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  Quiet.answers = true;
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
