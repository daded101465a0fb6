import { keep, kept } from '../kept';

/** How the page is coloured: as the system is, or as was chosen here. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** `public/theme.js` reads the same key before the first paint. */
const STORED = 'theme';

const isTheme = (value: string | null | undefined): value is Theme => THEMES.some((one) => one === value);

function stored(): Theme {
  const theme = kept(STORED);
  return isTheme(theme) ? theme : 'system';
}

let current = $state<Theme>(stored());

/** The theme that was chosen. */
export function theme(): Theme {
  return current;
}

/** Chooses a theme, at once and for the next visits on this device. */
export function setTheme(next: Theme): void {
  keep(STORED, next === 'system' ? null : next);
  show(next);
}

function show(next: Theme): void {
  current = next;
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
}

/** A choice in one tab shows in all. */
addEventListener('storage', (event) => {
  if (event.key === `palabre.${STORED}` || event.key === null) show(stored());
});
