import { confirm } from '../ui/confirm.svelte';
import { t } from './words';
import type { Writing } from './writing.svelte';

let asking = false;

/** How many people the writer agrees to reach: null if nobody needs to be asked, `no` if they do not. */
export async function agreedReach(writing: Writing): Promise<number | null | 'no'> {
  if (asking) return 'no';
  asking = true;
  try {
    // What cannot be asked now the server asks when the message is sent.
    const people = await writing.reach().catch(() => null);
    return people === null || (await confirm(t().reaches(people), t().reach)) ? people : 'no';
  } finally {
    asking = false;
  }
}
