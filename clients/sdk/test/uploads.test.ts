// Uploads: one file, its progress, and what becomes of it when the network or the server does not want it.
import { expect, test, vi } from 'vitest';
import { Refusal, filePath, filesOf, isPicture } from '../src/index.js';
import { upload, type Transfer } from '../src/uploads.js';

const file = { id: 'ab'.repeat(16), name: 'tree.png', media_type: 'image/png' };
const bytes = { name: 'tree & lime.png', size: 10 };

function within(...answers: (() => ReturnType<Transfer>)[]) {
  const tries: { address: string; headers: Record<string, string> }[] = [];
  const waits: number[] = [];
  const transfer: Transfer = (address, headers, _bytes, onProgress) => {
    tries.push({ address, headers });
    onProgress(4);
    const answer = answers.shift();
    if (!answer) throw new Error('nothing more was expected');
    return answer();
  };
  const it = {
    url: 'https://chat.example.org/below/',
    transfer,
    random: () => 1,
    withToken: <T>(use: (token: string) => Promise<T>) => use('t1'),
    pause: async (ms: number) => void waits.push(ms),
  };
  return { it, tries, waits };
}

const answer = (status: number, body: unknown) => async () => ({ status, body: JSON.stringify(body) });
const refusal = (code: string, status: number, more = {}) =>
  answer(status, { code, status, title: '', detail: '', ...more });
const cut = async () => {
  throw new Refusal({ code: 'network', detail: 'cut' });
};

test('a file is uploaded under its name with the token, and tells how far it is', async () => {
  const { it, tries } = within(answer(201, file));
  const onProgress = vi.fn();
  expect(await upload(it, bytes, { onProgress })).toEqual(file);
  expect(tries[0]?.address).toBe('https://chat.example.org/below/v1/files?name=tree%20%26%20lime.png');
  expect(tries[0]?.headers.authorization).toBe('Bearer t1');
  expect(onProgress.mock.calls).toEqual([
    [0, 10],
    [4, 10],
  ]);
});

test('one that is broken off is begun again, after as long as the server wants', async () => {
  const { it, tries, waits } = within(
    cut,
    refusal('rate_limited', 429, { retry_after_ms: 7_000 }),
    answer(201, file),
  );
  expect(await upload(it, bytes)).toEqual(file);
  expect([tries.length, waits]).toEqual([3, [500, 8_000]]);
});

test('one that is not wanted, or is broken off again and again, is given up', async () => {
  const large = within(refusal('too_large', 413));
  await expect(upload(large.it, bytes)).rejects.toMatchObject({ code: 'too_large' });
  const away = within(cut, cut);
  await expect(upload(away.it, bytes, { tries: 2 })).rejects.toMatchObject({ code: 'network' });
  expect(away.waits).toHaveLength(1);
});

test('one that its sender breaks off is not begun again', async () => {
  const abort = new AbortController();
  const { it, tries } = within(async () => {
    abort.abort();
    return cut();
  });
  await expect(upload(it, bytes, { signal: abort.signal })).rejects.toMatchObject({ code: 'network' });
  expect(tries).toHaveLength(1);
});

test('a file of a message has a path, and is a picture or not', () => {
  expect(filesOf({})).toEqual([]);
  expect(filePath(file)).toBe(`/v1/files/${file.id}`);
  expect(filePath(file, { download: true })).toBe(`/v1/files/${file.id}?download=true`);
  expect([isPicture(file), isPicture({ media_type: 'image/svg+xml' })]).toEqual([true, false]);
});

/** A server of uploads in parts: what it has, and how the next requests break. */
function server(size: number) {
  const it = { has: 0, begun: 0, size, breaks: [] as (() => void)[], asked: [] as string[] };
  const transfer: Transfer = async (address, headers, part, onProgress, signal, method = 'POST') => {
    it.asked.push(`${method} ${address.slice('https://chat.example.org/v1/files'.length)}`);
    if (signal?.aborted && method !== 'DELETE') throw new Refusal({ code: 'network', detail: 'aborted' });
    const said = (status: number, named: Record<string, string> = {}, body: unknown = '') => ({
      status,
      body: JSON.stringify(body),
      header: (name: string) => named[name] ?? null,
    });
    const place = () => ({ 'upload-offset': String(it.has) });
    if (method === 'DELETE') return said(204);
    if (method === 'POST') {
      it.begun += 1;
      it.has = 0;
      return said(201, { location: `https://chat.example.org/v1/files/uploads/u${it.begun}`, ...place() });
    }
    if (method === 'PATCH') {
      expect(headers['upload-offset']).toBe(String(it.has));
      it.breaks.shift()?.();
      it.has += part?.size ?? 0;
      onProgress(part?.size ?? 0);
      return said(204, place());
    }
    if (method === 'HEAD') {
      it.breaks.shift()?.();
      return said(200, place());
    }
    return said(200, {}, file);
  };
  const waits: number[] = [];
  const within = {
    url: 'https://chat.example.org',
    transfer,
    random: () => 1,
    withToken: <T>(use: (token: string) => Promise<T>) => use('t1'),
    pause: async (ms: number) => void waits.push(ms),
  };
  return { it, within, waits };
}

const large = (size: number) => ({
  name: 'Été.mov',
  size,
  slice: (from: number, to: number) => ({ size: to - from, slice: () => null }),
});
const broken =
  (some: () => void = () => {}) =>
  () => {
    some();
    throw new Refusal({ code: 'network', detail: 'cut' });
  };

test('a large file goes in parts, and what has come is not sent again after a break', async () => {
  const size = 20 << 20;
  const { it, within, waits } = server(size);
  // The second part breaks off after a megabyte, and the first question after it, too.
  it.breaks = [() => {}, broken(() => (it.has += 1 << 20)), broken()];
  const begun = vi.fn();
  const told: number[] = [];
  expect(
    await upload(within, large(size), { onBegin: begun, onProgress: (sent) => told.push(sent) }),
  ).toEqual(file);
  expect(it.has).toBe(size);
  expect(begun.mock.calls).toEqual([['u1']]);
  expect(it.asked).toEqual([
    'POST /uploads',
    'PATCH /uploads/u1',
    'PATCH /uploads/u1',
    'HEAD /uploads/u1',
    'HEAD /uploads/u1',
    'PATCH /uploads/u1',
    'PATCH /uploads/u1',
    'GET /u1/details',
  ]);
  expect(waits).toEqual([500, 1_000]);
  expect(told.at(-1)).toBe(size);
});

test('an upload that was begun before is gone on with, and begun anew if it is gone', async () => {
  const size = 3 << 20;
  const { it, within } = server(size);
  it.has = 2 << 20;
  expect(await upload(within, large(size), { resume: 'u7' })).toEqual(file);
  expect(it.asked).toEqual(['HEAD /uploads/u7', 'PATCH /uploads/u7', 'GET /u7/details']);
  const other = server(size);
  other.it.breaks = [
    () => {
      throw new Refusal({ code: 'not_found', status: 404, detail: 'gone' });
    },
  ];
  expect(await upload(other.within, large(size), { resume: 'u7' })).toEqual(file);
  expect(other.it.asked[1]).toBe('POST /uploads');
});

test('one that is not wanted any more is removed, and so is one that the server refuses', async () => {
  const size = 3 << 20;
  const abort = new AbortController();
  const { it, within } = server(size);
  it.breaks = [broken(() => abort.abort())];
  await expect(upload(within, large(size), { signal: abort.signal })).rejects.toMatchObject({
    code: 'network',
  });
  expect(it.asked.at(-1)).toBe('DELETE /uploads/u1');
  const other = server(size);
  other.it.breaks = [
    () => {
      throw new Refusal({ code: 'unsupported_type', status: 415, detail: 'a program' });
    },
  ];
  await expect(upload(other.within, large(size))).rejects.toMatchObject({ code: 'unsupported_type' });
  expect(other.it.asked.at(-1)).toBe('DELETE /uploads/u1');
});

test('one that gets no further is given up, and a server without parts takes it whole', async () => {
  const size = 3 << 20;
  const { it, within, waits } = server(size);
  it.breaks = [broken(), broken(), broken()];
  await expect(upload(within, large(size), { tries: 3 })).rejects.toMatchObject({ code: 'network' });
  expect(waits).toHaveLength(2);
  const asked: string[] = [];
  const old: Transfer = async (address, _headers, _bytes, _progress, _signal, method = 'POST') => {
    asked.push(`${method} ${address}`);
    return address.includes('/uploads')
      ? { status: 405, body: JSON.stringify({ code: 'method_not_allowed', status: 405 }) }
      : { status: 201, body: JSON.stringify(file) };
  };
  expect(await upload({ ...within, transfer: old }, large(size))).toEqual(file);
  expect(asked[1]).toContain('POST https://chat.example.org/v1/files?name=');
});
