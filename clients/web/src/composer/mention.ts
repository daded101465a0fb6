/** An `@name` that is being typed just before the caret: where a word may begin, which in scripts without spaces is
    anywhere. A part of any of the person's names may be typed. */
export function mentionAt(text: string, caret: number): { from: number; typed: string } | null {
  const match = TYPED.exec(text.slice(0, caret));
  return match ? { from: caret - (match[1]?.length ?? 0) - 1, typed: match[1] ?? '' } : null;
}

/** As the SDK's text has it: see docs/protocol/text.md. */
const TYPED =
  /(?:^|[^\p{L}\p{M}\p{N}_@\uff20./+-]|[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}])[@\uff20]([\p{L}\p{M}\p{N}_-]{0,50})$/u;

/** The text that a chosen name puts in its place. */
export const completed = (username: string) => `@${username} `;
