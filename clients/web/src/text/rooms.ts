import { sameName, type ConversationState } from '@palabre/sdk';
import { town } from '../town/town.svelte';

const known = new WeakMap<object, ReadonlyMap<string, ConversationState>>();

/** The room that `#name` means: one that the reader is in, its name with `-` for each space. */
export function roomOf(name: string): ConversationState | undefined {
  let rooms = known.get(town.conversations);
  if (!rooms) {
    const all = [...town.conversations.values()].filter(({ row }) => row.kind === 'room' && row.name);
    // Of two with one name the one that was there first.
    rooms = new Map(all.sort((a, b) => b.id - a.id).map((one) => [named(one.row.name ?? ''), one]));
    known.set(town.conversations, rooms);
  }
  return rooms.get(sameName(name));
}

/** How a room's name is written behind `#`. */
export const named = (name: string) => sameName(name).replaceAll(' ', '-');
