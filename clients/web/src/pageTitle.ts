import type { ConversationState } from '@palabre/sdk';
import type { Place } from './place';
import { t } from './rooms/words';
import { town } from './town/town.svelte';

/** The title of the browser's tab: how much is unread, and what is open. */
export function titleOfPage({ page }: Place, open: ConversationState | undefined): string {
  const server = town.server?.name ?? 'Palabre';
  const pages: Partial<Record<Place['page'], string>> = {
    activity: t().activity,
    discover: t().discover,
    saved: t().saved,
    threads: t().threads,
    settings: t().settings,
    admin: t().admin,
  };
  const named = pages[page] === undefined ? server : `${pages[page]} · ${server}`;
  const name = open ? town.titleOf(open) : named;
  return town.unread > 0 ? `(${town.unread}) ${name}` : name;
}
