const narrow = matchMedia('(max-width: 47.99rem)');
let now = $state(narrow.matches);
narrow.addEventListener('change', () => (now = narrow.matches));

/** Whether there is room for the list or for one page, and not for both: as on a phone. */
export const isNarrow = (): boolean => now;
