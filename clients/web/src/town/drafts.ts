import { keep, kept } from '../kept';

/** What was written and not sent: one text per conversation, somebody's own, kept on this device. */
const nameOf = (user: number) => `drafts.${user}`;

function draftsOf(user: number): Record<string, string> {
  try {
    const value: unknown = JSON.parse(kept(nameOf(user)) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
  } catch {
    return {};
  }
}

export function draft(user: number, conversation: number): string {
  return draftsOf(user)[conversation] ?? '';
}

export function keepDraft(user: number, conversation: number, text: string): void {
  const { [conversation]: _before, ...others } = draftsOf(user);
  const next = text.trim() === '' ? others : { ...others, [conversation]: text };
  keep(nameOf(user), Object.keys(next).length > 0 ? JSON.stringify(next) : null);
}

/** Who logs out leaves no draft behind. */
export function forgetDrafts(user: number): void {
  keep(nameOf(user), null);
}
