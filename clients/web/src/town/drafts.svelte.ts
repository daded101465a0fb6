import { keep, kept } from '../kept';

/** The drafts of one person: one text per conversation, stored on this device. */
const nameOf = (user: number) => `drafts.${user}`;

let owner: number | null = null;
let drafts = $state.raw<Readonly<Record<string, string>>>({});

function read(user: number): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(kept(nameOf(user)) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
  } catch {
    return {};
  }
}

/** Opens somebody's drafts. */
export function openDrafts(user: number): void {
  if (owner === user) return;
  owner = user;
  drafts = read(user);
}

export function draft(conversation: number): string {
  return drafts[conversation] ?? '';
}

export function keepDraft(conversation: number, text: string): void {
  if (owner === null) return;
  // Another tab may have written at another one meanwhile.
  const { [conversation]: _before, ...others } = read(owner);
  drafts = text.trim() === '' ? others : { ...others, [conversation]: text };
  keep(nameOf(owner), Object.keys(drafts).length > 0 ? JSON.stringify(drafts) : null);
}

/** Logging out leaves no draft behind. */
export function forgetDrafts(): void {
  if (owner !== null) keep(nameOf(owner), null);
  owner = null;
  drafts = {};
}
