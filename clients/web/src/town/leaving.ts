import { go } from '../route.svelte';
import { t } from '../rooms/words';
import { confirm } from '../ui/confirm.svelte';
import { saveAll } from './drafts.svelte';
import { client, town } from './town.svelte';

/**
 * Logs out. The server is given what it does not have yet; what it cannot be given stays on this device for its writer,
 * who is asked whether they want that. `replace` leaves no trace in the browser's history.
 */
export async function leave(replace = false): Promise<void> {
  const unsaved = await saveAll();
  const waiting = [...town.state.outbox.values()].flat().filter(({ seq }) => seq === null).length;
  const left = unsaved + waiting;
  if (left > 0 && !(await confirm(t().unsent(left), t().logout))) return;
  await client.logOut({ keepOutbox: true });
  go('/login', replace);
}
