/** The short form that is being typed before the caret: where it begins, and what stands behind its sign. */
export interface Typed {
  readonly kind: 'emoji' | 'room';
  readonly from: number;
  readonly typed: string;
}

/** As the SDK's text has them: see docs/protocol/text.md. */
const UNSPACED = '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}]';
const EMOJI = new RegExp(`(?:^|[^\\p{L}\\p{M}\\p{N}_:]|${UNSPACED}):([\\p{L}\\p{M}\\p{N}_+-]{2,40})$`, 'u');
const ROOM = new RegExp(
  `(?:^|[^\\p{L}\\p{M}\\p{N}_#\\uff03./+&-]|${UNSPACED})[#\\uff03]([\\p{L}\\p{M}\\p{N}_-]{1,50})$`,
  'u',
);

/** An emoji's name behind `:`, of two letters or more, or a room's behind `#`. */
export function shortAt(text: string, caret: number): Typed | null {
  const before = text.slice(Math.max(0, caret - 60), caret);
  for (const [kind, pattern] of [['emoji', EMOJI] as const, ['room', ROOM] as const]) {
    const typed = pattern.exec(before)?.[1];
    if (typed !== undefined) return { kind, from: caret - typed.length - 1, typed };
  }
  return null;
}
