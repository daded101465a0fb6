import { isInRoom, type Message } from '@palabre/sdk';
import { here } from '../route.svelte';

/** Whether somebody is looking at this conversation. */
export function isWatched(conversation: number): boolean {
  const place = here();
  return (
    place.page === 'talk' && place.conversation === conversation && document.hasFocus() && !document.hidden
  );
}

/** Whether somebody is looking where a message comes: at its conversation, or at its thread. */
export function isSeen(message: Message): boolean {
  const place = here();
  const inThread = place.page === 'talk' && place.thread === message.thread;
  return isWatched(message.conversation) && (isInRoom(message) || inThread);
}
