import { town } from '../town/town.svelte';

/** How many of the threads that one follows have replies that were not read. */
export const unreadThreads = (): number =>
  [...town.state.followed.values()].filter(({ unread }) => unread > 0).length;
