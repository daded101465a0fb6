import { beforeEach, expect, test, vi } from 'vitest';
import { sendVoice } from './sending';

const { client, uploadFile } = vi.hoisted(() => ({
  client: { command: vi.fn(), send: vi.fn() },
  uploadFile: vi.fn(),
}));
vi.mock('@palabre/sdk', () => ({ uploadFile }));
vi.mock('../town/town.svelte', () => ({ client }));

beforeEach(() => {
  vi.resetAllMocks();
  uploadFile.mockResolvedValue({ id: 'f1' });
  client.command.mockResolvedValue({ id: 'f1', voice: true });
});

const recorded = { name: 'voice.webm', length: 1_200.4, levels: [0.1, 0.4] };
const send = (discarded: AbortSignal) =>
  sendVoice(new Blob(['x']), recorded, { conversation: 12, thread: null }, discarded);

test('a recording is uploaded, described and said', async () => {
  expect(await send(new AbortController().signal)).toBe(true);
  expect(client.command).toHaveBeenCalledWith(
    'file.voice',
    expect.objectContaining({ file: 'f1', duration_ms: 1_200 }),
  );
  expect(client.send).toHaveBeenCalledWith(12, '', { files: [{ id: 'f1', voice: true }] });
});

test('what is discarded on its way is not said, however far it has come', async () => {
  const early = new AbortController();
  uploadFile.mockImplementation(async () => (early.abort(), { id: 'f1' }));
  expect(await send(early.signal)).toBe(false);
  expect(uploadFile.mock.lastCall?.[2]).toMatchObject({ signal: early.signal });
  expect(client.command).not.toHaveBeenCalled();

  const late = new AbortController();
  uploadFile.mockResolvedValue({ id: 'f1' });
  client.command.mockImplementation(async () => (late.abort(), { id: 'f1' }));
  expect(await send(late.signal)).toBe(false);
  expect(client.send).not.toHaveBeenCalled();
});
