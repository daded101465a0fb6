import type { Presence } from '@palabre/sdk';
import { keep, kept } from '../kept';
import { client } from './town.svelte';

const CHOICES: readonly Presence[] = ['online', 'away', 'busy', 'invisible'];
const nameOf = (user: number) => `presence.${user}`;

/** The presence that was chosen on this device; the server forgets it with the connection. */
function choiceOf(user: number): Presence {
  const value = kept(nameOf(user));
  return CHOICES.find((one) => one === value) ?? 'online';
}

let chosen = $state<Presence>('online');
let user: number | null = null;

/** How one wants to be shown to others. */
export function chosenPresence(): Presence {
  return chosen;
}

/** Says how one wants to be shown, now and whenever one comes back on this device. */
export async function choosePresence(next: Presence): Promise<void> {
  await client.setPresence(next);
  chosen = next;
  if (user !== null) keep(nameOf(user), next === 'online' ? null : next);
}

client.subscribe((state, before) => {
  if (state.line !== 'online' || before.line === 'online' || state.me === null) return;
  user = state.me.id;
  chosen = choiceOf(user);
  // Before the server publishes that one is online; if this is lost, so is the line, and the next one sends it again.
  if (chosen !== 'online') client.setPresence(chosen).catch(() => {});
});

client.on('signedOut', () => {
  if (user !== null) keep(nameOf(user), null);
  user = null;
  chosen = 'online';
});
