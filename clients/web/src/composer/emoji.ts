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

/** The emoji that a word (folded already) finds: first by their label, then by their tags. */
export function ranked(all: readonly Emoji[], wanted: string): readonly Emoji[] {
  const rank = ([, label, tags]: Emoji) => {
    const words = folded(label).split(/[^\p{L}\p{N}]+/u);
    if (words.includes(wanted)) return 0;
    if (words.some((word) => word.startsWith(wanted))) return 1;
    const tagged = folded(tags).split(' ');
    if (tagged.some((tag) => tag.startsWith(wanted))) return 2;
    return folded(`${label} ${tags}`).includes(wanted) ? 3 : 4;
  };
  const found = all.map((one) => [rank(one), one] as const).filter(([at]) => at < 4);
  return found.sort(([a], [b]) => a - b).map(([, one]) => one);
}

const STORED = 'emoji';
const KEPT = 16;
const FIRST = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];

/** The emoji that were used last on this device. */
export function recentEmoji(): string[] {
  const stored = (kept(STORED) ?? '').split(' ').filter(Boolean);
  return [...new Set([...stored, ...FIRST])].slice(0, KEPT);
}

export function usedEmoji(emoji: string): void {
  keep(STORED, [...new Set([emoji, ...recentEmoji()])].slice(0, KEPT).join(' '));
}
