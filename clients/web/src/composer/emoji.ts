import type { Language } from '../i18n.svelte';
import { keep, kept } from '../kept';

/** An emoji, what it is called, and other words by which it is found. */
export type Emoji = readonly [emoji: string, label: string, tags: string];

/** All emoji by group, loaded when the picker is first opened. */
export async function loadEmoji(language: Language): Promise<readonly (readonly Emoji[])[]> {
  const file = language === 'fr' ? await import('virtual:emoji/fr') : await import('virtual:emoji/en');
  return file.default;
}

/** Without accents and case, as people type when they search. */
export const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

const STORED = 'emoji';
const KEPT = 16;
const FIRST = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];

/** Those that one used last, on this device. */
export function recentEmoji(): string[] {
  const stored = (kept(STORED) ?? '').split(' ').filter(Boolean);
  return [...new Set([...stored, ...FIRST])].slice(0, KEPT);
}

export function usedEmoji(emoji: string): void {
  keep(STORED, [...new Set([emoji, ...recentEmoji()])].slice(0, KEPT).join(' '));
}
