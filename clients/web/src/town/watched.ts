import { here } from '../route.svelte';

/** Whether somebody is looking at this conversation. */
export function isWatched(conversation: number): boolean {
  const place = here();
  return (
    place.page === 'talk' && place.conversation === conversation && document.hasFocus() && !document.hidden
  );
}
