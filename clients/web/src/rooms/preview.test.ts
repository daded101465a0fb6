import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('../kept', () => ({ keep: () => undefined, kept: () => null }));
vi.mock('../town/town.svelte', () => ({ town: {} }));
vi.mock('../town/drafts.svelte', () => ({ waiting: () => '' }));
const { isolated } = await import('../i18n.svelte');
const { isFromRight } = await import('./preview');

test('the first letter of the text decides from where a preview is read, whoever wrote it', () => {
  const read = (name: string, text: string) => isFromRight(`${isolated(name)}: ${isolated(text)}`);
  expect(read('Tom', 'مرحبا')).toBe(true);
  expect(read('مريم', 'hello')).toBe(false);
  expect(read('Tom', '12 “שלום” or so')).toBe(true);
  expect(read('Tom', '谢谢 شكرا')).toBe(false);
  expect(read('Tom', '👍')).toBe(false);
  expect(isFromRight(`You: ${isolated('شكراً')}`)).toBe(true);
  expect(isFromRight('Message deleted')).toBe(false);
});
