import { pathOf, placeOf, type Place } from './place';

export { pathOf, placeOf, type Place };

let place = $state.raw<Place>(placeOf(location.pathname));

/** What is open now. */
export function here(): Place {
  return place;
}

/** Opens something; `replace` leaves no trace in the browser's history. */
export function go(next: Place | string, replace = false): void {
  const path = typeof next === 'string' ? next : pathOf(next);
  if (path !== location.pathname) history[replace ? 'replaceState' : 'pushState'](null, '', path);
  place = placeOf(path);
}

addEventListener('popstate', () => (place = placeOf(location.pathname)));

/** Follows plain clicks on our own links without loading the page anew; the rest is the browser's. */
addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (/^\/(docs|play|v1)\b/.test(link.pathname)) return;
  event.preventDefault();
  go(link.pathname);
});
