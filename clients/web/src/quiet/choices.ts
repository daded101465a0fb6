import type { Item } from '../ui/Menu.svelte';

/** The lines of a menu of which one is chosen: that has the check mark, the others the room of it. */
export function choices<T>(
  now: T,
  all: readonly (readonly [T, string])[],
  choose: (one: T) => unknown,
): Item[] {
  return all.map(([one, label]) => ({
    icon: one === now ? 'check' : 'M0 0',
    label,
    checked: one === now,
    run: () => void choose(one),
  }));
}
