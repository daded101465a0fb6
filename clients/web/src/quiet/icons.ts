import type { IconName } from '../ui/Icon.svelte';

export const BELL_OFF: IconName =
  'M4 4l16 16M8.2 5.8A6 6 0 0 1 18 10.5c0 2.5.5 4 1 5M16 17H4.5c1-1 1.5-3 1.5-6.5M10 20.5h4';
export const UNREAD: IconName =
  'M4 6h10M4 18h16V11M4 6v12M4 7l8 6 3-2.2M19 3a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5';
