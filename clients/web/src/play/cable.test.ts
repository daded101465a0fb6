import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Cable } from './cable';

/** In place of the browser's. */
class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 1;
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
}

let fetched: RequestInit | undefined;

beforeEach(() => {
  FakeSocket.all = [];
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('fetch', (_url: string, init?: RequestInit) => {
    fetched = init;
    return new Promise((_resolve, reject) =>
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)),
    );
  });
});

afterEach(() => vi.unstubAllGlobals());

function plugged(cable: Cable) {
  const socket = new cable.WebSocket('ws://there');
  const heard: unknown[] = [];
  const ends: unknown[] = [];
  socket.onmessage = (event: { data: string }) => heard.push(event.data);
  socket.onclose = (event: { code: number; reason: string }) => ends.push(event);
  return { socket, heard, ends, real: FakeSocket.all.at(-1) };
}

describe('a cable', () => {
  it('carries everything as long as it is whole', () => {
    const { socket, heard, ends, real } = plugged(new Cable());
    socket.send('out');
    real?.onmessage?.({ data: 'in' });
    expect([real?.sent, heard, ends]).toEqual([['out'], ['in'], []]);
    real?.onclose?.({ code: 1012, reason: 'restart' });
    expect(ends).toEqual([{ code: 1012, reason: 'restart' }]);
  });

  it('cut, ends its sockets without a goodbye, and carries nothing', () => {
    const cable = new Cable();
    const { socket, heard, ends, real } = plugged(cable);
    cable.cut();
    expect(ends).toEqual([{ code: 1006, reason: '' }]);
    expect(real?.closed).toBe(true);
    expect(real?.onmessage).toBeNull();
    expect(() => socket.send('out')).toThrow();
    expect([real?.sent, heard]).toEqual([[], []]);
  });

  it('cut, lets no socket through', async () => {
    const cable = new Cable();
    cable.cut();
    const { ends } = plugged(cable);
    expect(ends).toEqual([]);
    await vi.waitFor(() => expect(ends).toEqual([{ code: 1006, reason: '' }]));
    expect(FakeSocket.all).toEqual([]);
  });

  it('cut, fails calls as a network does: those under way too', async () => {
    const cable = new Cable();
    const underWay = cable.fetch('/v1/server');
    cable.cut();
    await expect(underWay).rejects.toThrow(TypeError);
    await expect(cable.fetch('/v1/server')).rejects.toThrow(TypeError);
  });

  it('mended, carries again', async () => {
    const cable = new Cable();
    cable.cut();
    cable.mend();
    const { socket, real } = plugged(cable);
    socket.send('out');
    expect(real?.sent).toEqual(['out']);
    fetched = undefined;
    void cable.fetch('/v1/server');
    expect((fetched as RequestInit | undefined)?.signal?.aborted).toBe(false);
  });
});
