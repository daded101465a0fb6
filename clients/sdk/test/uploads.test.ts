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
