/** An `@name` that is being typed just before the caret. */
export function mentionAt(text: string, caret: number): { from: number; typed: string } | null {
  const match = /(?:^|[\s(])@([A-Za-z0-9_-]{0,50})$/.exec(text.slice(0, caret));
  return match ? { from: caret - (match[1]?.length ?? 0) - 1, typed: match[1] ?? '' } : null;
}

/** The text that a chosen name puts in its place. */
export const completed = (username: string) => `@${username} `;
