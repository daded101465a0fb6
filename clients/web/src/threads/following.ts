import { followThread, summaryOf, threadKey, type FollowedState } from '@palabre/sdk';
import { attempt } from '../timeline/acts';
import { client, town } from '../town/town.svelte';

/** Whether one follows a thread. */
export const follows = (conversation: number, thread: number): boolean =>
  town.state.followed.has(threadKey(conversation, thread));

/** Follows a thread, or stops. */
export const follow = (conversation: number, thread: number, on: boolean): Promise<void> =>
  attempt(followThread(client, conversation, thread, on));

/** When the newest reply of a thread came; empty if it is not known. */
export function lastOf({ conversation, thread, message }: FollowedState): string {
  const known = town.conversations.get(conversation);
  const summary = known && message ? summaryOf(known, message) : (known?.summaries.get(thread) ?? null);
  return summary?.last_at ?? message?.created_at ?? '';
}

/** The threads that one follows and whose message is known, the one with the newest reply first. */
export function followed(): FollowedState[] {
  const all = [...town.state.followed.values()].filter(({ message }) => message !== null);
  return all.sort((one, other) => (lastOf(one) < lastOf(other) ? 1 : -1));
}
