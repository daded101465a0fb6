// The line: how it comes back, and what it leaves behind.
import { afterEach, expect, test, vi } from 'vitest';
import { Refusal } from '../src/index.js';
import { pause } from '../src/timers.js';
import { Scripted } from './help/scripted.js';

afterEach(() => void vi.useRealTimers());

async function ann(server: Scripted) {
  vi.useFakeTimers();
  const client = server.client(undefined, { random: () => 1 });
  await client.logIn({ username: 'ann', password: 'correct horse' });
  return client;
}

test('a server that lets everybody in and falls at once is left in peace for longer and longer', async () => {
  const server = new Scripted();
  server.entered = (socket) => setTimeout(() => socket.cut(), 50);
  const client = await ann(server);
  client.connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.sockets.length).toBeLessThanOrEqual(8);
  client.dispose();
});

test('after a connection that lasted, the first wait is short again', async () => {
  const server = new Scripted();
  const client = await ann(server);
  client.connect();
  for (let cuts = 0; cuts < 8; cuts += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    expect(client.state.line).toBe('online');
    server.sockets.at(-1)?.cut();
  }
  client.dispose();
});

test('who is disposed of while connecting opens nothing, and does not connect again', async () => {
  const server = new Scripted();
  const client = await ann(server);
  client.connect();
  client.dispose();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([server.sockets.length, client.state.line]).toEqual([0, 'idle']);
  expect(() => client.connect()).toThrow('make a new one');
});

test('who disconnects while the socket opens hears nothing of it', async () => {
  const server = new Scripted();
  const client = await ann(server);
  const lines: string[] = [];
  client.subscribe(({ line }) => lines.push(line));
  client.connect();
  await Promise.resolve();
  await Promise.resolve();
  client.disconnect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).not.toContain('online');
  expect(client.state.line).toBe('idle');
});

test('what is heard right after connecting is not missed by who listens at once', async () => {
  const server = new Scripted();
  const client = await ann(server);
  client.connect();
  const frames: string[] = [];
  client.on('frame', ({ direction }) => frames.push(direction));
  await vi.advanceTimersByTimeAsync(5);
  expect(frames.slice(0, 2)).toEqual(['out', 'in']);
  client.dispose();
});

test('`ready` waits for the list, and says when it will not come', async () => {
  const server = new Scripted();
  const client = await ann(server);
  const ready = client.ready();
  client.connect();
  await vi.advanceTimersByTimeAsync(5);
  await expect(ready).resolves.toBeUndefined();
  await expect(client.ready()).resolves.toBeUndefined();
  const other = await ann(server);
  server.lets = false;
  server.call = (path) =>
    path === '/v1/sessions/refresh' ? Promise.resolve(Response.json({}, { status: 418 })) : undefined;
  const never = other.ready();
  never.catch(() => undefined);
  other.connect();
  await vi.advanceTimersByTimeAsync(5);
  server.call = (path) =>
    path === '/v1/sessions/refresh' ? Promise.resolve(server.tokens('ann')) : undefined;
  await vi.advanceTimersByTimeAsync(600_000);
  await expect(never).rejects.toBeInstanceOf(Refusal);
  client.dispose();
});

test('a wait that is long keeps no program running', () => {
  const timers = () => process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length;
  const before = timers();
  void pause(600_000);
  expect(timers()).toBe(before);
});

test('a clock that is set back does not make a silent line pass for one that is heard', async () => {
  const server = new Scripted();
  const client = await ann(server);
  client.connect();
  await vi.advanceTimersByTimeAsync(1_000);
  server.answer = () => 'silence';
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(server.sockets.length).toBeGreaterThan(1);
  client.dispose();
});
