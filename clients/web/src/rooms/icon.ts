import type { ConversationRow } from '@palabre/sdk';
import type { IconName } from '../ui/Icon.svelte';

/** The icon of a conversation; a direct one has the other person's avatar instead. */
export function iconOf({
  kind,
  visibility,
}: Pick<ConversationRow, 'kind' | 'visibility'>): IconName | undefined {
  if (kind === 'direct') return undefined;
  if (kind === 'group') return 'people';
  return visibility === 'public' ? 'hash' : 'lock';
}
