import type { Message } from '@palabre/sdk';
import { SvelteMap } from 'svelte/reactivity';
import { client, town } from './town.svelte';

/** Messages that others answer, and that are not on the screen; null if they cannot be had. */
const fetched = new SvelteMap<string, Message | null>();
const asked = new Set<string>();

/** The message that another one answers: from the timeline, else asked for once. Undefined until it is here. */
export function quoted(conversation: number, seq: number): Message | null | undefined {
  const shown = town.conversations.get(conversation)?.timeline?.messages.find((one) => one.seq === seq);
  return shown ?? fetched.get(`${conversation}/${seq}`);
}

/** Asks for it if it is not on the screen. */
export function fetchQuoted(conversation: number, seq: number): void {
  const key = `${conversation}/${seq}`;
  if (quoted(conversation, seq) !== undefined || asked.has(key)) return;
  asked.add(key);
  client.command('message.get', { conversation, seq }).then(
    (message) => fetched.set(key, message),
    () => {
      asked.delete(key);
      fetched.set(key, null);
    },
  );
}
