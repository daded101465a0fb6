import type { IconName } from '../ui/Icon.svelte';

export const BELL_OFF: IconName =
  'M4 4l16 16M8.200 5.800A6 6 0 0 1 18 10.500c0 2.500.5 4 1 5M16 17H4.500c1-1 1.500-3 1.500-6.500M10 20.500h4';
export const UNREAD: IconName =
  'M4 6h10M4 18h16V11M4 6v12M4 7l8 6 3-2.200M19 3a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5';
