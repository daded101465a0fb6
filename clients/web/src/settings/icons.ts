// Icons that only the settings have: see `ui/Icon.svelte`.
export const BELL = 'M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7M10 20.5a2.3 2.3 0 0 0 4 0';
export const KEY = 'M14.5 9.5a4 4 0 1 0-3.4 4L13 15.5h2V18h2.5v2H20v-3l-6-6a4 4 0 0 0 .5-1.5';
export const KEYBOARD = 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M8 14h8';
export const MOON = 'M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10';
