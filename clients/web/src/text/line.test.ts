import type { File } from '@palabre/sdk';
import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('document', { documentElement: { lang: '' } });
vi.mock('../kept', () => ({ keep: () => undefined, kept: () => null }));
const { speakLanguage } = await import('../i18n.svelte');
const { lineOf } = await import('./line');

const file: File = {
  id: 'a',
  name: 'plan.pdf',
  media_type: 'application/pdf',
  size: 1,
  sha256: '',
  width: null,
  height: null,
  blurhash: null,
  voice: null,
};
const recording: File = { ...file, name: 'voice.webm', voice: { duration_ms: 12_300, waveform: [1] } };

test('a message in one line is its text without markers, else its files; a recording is called what it is', () => {
  expect(lineOf({ text: '**Hello** you', files: [recording] })).toBe('Hello you');
  expect(lineOf({ text: '', files: [file] })).toBe('📎 plan.pdf');
  expect(lineOf({ text: ' ', files: [recording] })).toBe('Voice message, 0:12');
  expect(lineOf({ text: '', files: [recording, file] })).toBe('Voice message, 0:12, 📎 plan.pdf');
  expect(lineOf({ text: null, files: [] })).toBe(null);
  speakLanguage('fr');
  expect(lineOf({ text: '', files: [recording] })).toBe('Message vocal, 0:12');
});
