import { at, isBelow, within } from './base';
import * as places from './place';
import type { Place } from './place';

export type { Place };

let place = $state.raw<Place>(placeHere());

/** The place that is open now. */
export function here(): Place {
  return place;
}

/** The address of a place. */
export function pathOf(place: Place): string {
  return at(places.pathOf(place));
}

/** Opens something, a path of the client's own among it; `replace` leaves no trace in the browser's history. */
export function go(next: Place | string, replace = false): void {
  const path = typeof next === 'string' ? at(next) : pathOf(next);
  if (path !== location.pathname) history[replace ? 'replaceState' : 'pushState'](null, '', path);
  place = placeHere();
}

function placeHere(): Place {
  return places.placeOf(within(location.pathname));
}

addEventListener('popstate', () => (place = placeHere()));

/** Follows plain clicks on our own links without reloading the page; the browser does the rest. */
addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (!isBelow(link.pathname)) return;
  const path = within(link.pathname);
  if (/^\/(docs|play|v1)\b/.test(path)) return;
  event.preventDefault();
  go(path);
});
