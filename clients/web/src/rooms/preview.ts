import type { ConversationState } from '@palabre/sdk';
import { isolated, isolates } from '../i18n.svelte';
import { excerpt } from '../text/excerpt';
import { lineOf } from '../text/line';
import { waiting } from '../town/drafts.svelte';
import { town } from '../town/town.svelte';
import { t } from './words';

/** What the list shows of a conversation: what is not sent yet, else the newest message, else what it is about. */
export function previewOf(conversation: ConversationState, current: boolean): string {
  const unsent = current ? '' : waiting(conversation.id);
  if (unsent) return t().draft(isolated(excerpt(unsent)));
  const pending = conversation.pending.at(-1);
  if (pending) return t().you(isolated(lineOf(pending) ?? ''));
  const last = conversation.lastMessage;
  if (!last) return isolated(conversation.row.topic ?? '');
  const words = lineOf(last);
  if (words === null) return t().deleted;
  if (last.author.id === town.me?.id) return t().you(isolated(words));
  return conversation.row.kind === 'direct'
    ? isolated(words)
    : t().by(isolated(town.nameOf(last.author)), isolated(words));
}

const FROM_RIGHT =
  /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Whether what a preview shows of a text is read from right to left: its first letter decides, as in browsers. */
export function isFromRight(preview: string): boolean {
  const text = isolates(preview).at(-1);
  return text?.isolated === true && FROM_RIGHT.test(text.text);
}
