/** What was written and not sent, one text per conversation, kept on this device. */
const key = (conversation: number) => `palabre.draft.${conversation}`;

export function draft(conversation: number): string {
  return localStorage.getItem(key(conversation)) ?? '';
}

export function keepDraft(conversation: number, text: string): void {
  if (text.trim() === '') localStorage.removeItem(key(conversation));
  else localStorage.setItem(key(conversation), text);
}

/** What stays on a device whoever uses it; and unsent messages, which the SDK keeps for each person apart. */
const STAYS = /^palabre\.(theme$|language$|outbox\.)/;

/** Drafts and habits are somebody's own: nobody who logs in after them finds any. */
export function forgetOwn(): void {
  for (const name of Object.keys(localStorage)) {
    if (name.startsWith('palabre.') && !STAYS.test(name)) localStorage.removeItem(name);
  }
}
