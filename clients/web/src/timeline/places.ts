import { client } from '../town/town.svelte';

/** Where one was in a conversation: a message, and where its lower edge was below the top of the screen, in pixels. */
export interface Spot {
  readonly seq: number;
  readonly bottom: number;
}

/** Of the conversations that were left in the middle; who left one at its end comes back to the first unread message. */
const spots = new Map<number, Spot>();

/** Where one was when one left a conversation. */
export const spotIn = (conversation: number): Spot | undefined => spots.get(conversation);

/** Remembers where one was; nothing if that was the end. */
export function leaveAt(conversation: number, spot: Spot | null): void {
  if (spot) spots.set(conversation, spot);
  else spots.delete(conversation);
}

client.on('signedOut', () => spots.clear());
