import type { Message } from '@palabre/sdk';
import { beforeEach, expect, test, vi } from 'vitest';

const { client, toast } = vi.hoisted(() => ({
  client: { send: vi.fn(), typing: vi.fn(), command: vi.fn() },
  toast: vi.fn(),
}));
vi.mock('../town/town.svelte', () => ({ client, town: { state: { limits: { message_length: 5 } } } }));
vi.mock('../town/problems', () => ({ reason: String }));
vi.mock('../ui/toasts.svelte', () => ({ toast }));
const drafts = new Map<number, string>();
vi.mock('../town/drafts.svelte', () => ({
  draft: (conversation: number) => drafts.get(conversation) ?? '',
  keepDraft: (conversation: number, text: string) => drafts.set(conversation, text),
}));

const { Writing } = await import('./writing.svelte');
const own = { conversation: 1, seq: 7, text: 'old' } as Message;

function write(writing: InstanceType<typeof Writing>, text: string): void {
  writing.text = text;
  writing.changed();
}

beforeEach(() => {
  vi.resetAllMocks();
  drafts.clear();
});

test('a draft is kept while it is written, and gone once it is sent', () => {
  const writing = new Writing(1);
  write(writing, ' hey ');
  expect(drafts.get(1)).toBe(' hey ');
  expect(new Writing(1).text).toBe(' hey ');
  writing.send(own);
  expect(client.send).toHaveBeenCalledWith(1, 'hey', { parent: 7 });
  expect(writing.text).toBe('');
  expect(drafts.get(1)).toBe('');
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
    expect(writing.ready, text).toBe(ready);
  }
});

test('the message that is edited takes the place of the draft, and gives it back', async () => {
  const writing = new Writing(1);
  write(writing, 'draft');
  writing.edit(own);
  expect(writing.text).toBe('old');
  write(writing, 'new');
  expect(drafts.get(1)).toBe('draft');
  expect(await writing.save()).toBe(true);
  expect(client.command).toHaveBeenCalledWith('message.edit', { conversation: 1, seq: 7, text: 'new' });
  writing.edit(null);
  expect(writing.text).toBe('draft');
});

test('a refusal leaves the edited text where it is', async () => {
  client.command.mockRejectedValue(new Error('no'));
  const writing = new Writing(1);
  writing.edit(own);
  write(writing, 'new');
  expect(await writing.save()).toBe(false);
  expect(toast).toHaveBeenCalledOnce();
  expect(writing.text).toBe('new');
});
