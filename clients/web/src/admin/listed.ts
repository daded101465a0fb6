import type { Account, ShownPresence } from '@palabre/sdk';
import { client } from '../town/town.svelte';
import type { Page } from './pages.svelte';

/** An account and its presence; null if that could not be asked. */
export type Listed = Account & { readonly presence: ShownPresence | null };

/** A page of accounts. `last_seen_at` is the end of the last connection, so presence is asked for besides. */
export async function readAccounts(search: string, cursor: string | null): Promise<Page<Listed>> {
  const { accounts, next_cursor } = await client.command('account.list', {
    ...(search && { search }),
    ...(cursor !== null && { cursor }),
  });
  const users = accounts.map((account) => account.id);
  const here = users.length === 0 ? [] : (await client.command('presence.get', { users })).people;
  const presences = new Map(here.map((one) => [one.user, one.presence]));
  const items = accounts.map((account) => ({ ...account, presence: presences.get(account.id) ?? null }));
  return { items, next: next_cursor };
}
