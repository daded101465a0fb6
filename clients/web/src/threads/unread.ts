import type { FollowedState } from '@palabre/sdk';
import { town } from '../town/town.svelte';

/** How many of the threads that one follows have replies that were not read; quiet ones call for nobody. */
export const unreadThreads = (): number => [...town.state.followed.values()].filter(isFresh).length;

/** Whether a thread has replies that one wants to know of. */
export const isFresh = ({ unread, level }: FollowedState): boolean => unread > 0 && level !== 'nothing';
