import type { Presence } from '@palabre/sdk';
import { keep, kept } from '../kept';
import { client, town } from './town.svelte';

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

/** After this long without a key, a touch or a movement of the pointer one is shown as away, in milliseconds. */
const IDLE_MS = 5 * 60_000;
/** Nobody has been here for a while: shown as away until somebody is. */
let idle = $state(false);
let lastAct = Date.now();

/** How one is shown to others now. */
export function shownPresence(): Presence {
  return idle && chosen === 'online' ? 'away' : chosen;
}

/** Says that one is away, or back. If that is lost, so is the line, and the client says it again. */
function say(): void {
  if (town.state.line === 'online' && chosen === 'online')
    client.setPresence(shownPresence()).catch(() => {});
}

function acted(): void {
  lastAct = Date.now();
  client.active();
  if (!idle) return;
  idle = false;
  say();
}
for (const act of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove', 'focus'])
  addEventListener(act, acted, { passive: true, capture: true });
setInterval(() => {
  if (idle || Date.now() - lastAct < IDLE_MS) return;
  idle = true;
  say();
}, 15_000);

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
  if (shownPresence() !== 'online') client.setPresence(shownPresence()).catch(() => {});
});

client.on('signedOut', () => {
  if (user !== null) keep(nameOf(user), null);
  user = null;
  chosen = 'online';
});
