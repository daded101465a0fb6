import { isBelow, within } from '../base';
import { placeOf } from '../place';

/** The conversation of this server, and perhaps the message, that a link leads to; null if it leads elsewhere. */
export function placeIn(href: string): { conversation: number; at: number | null } | null {
  const url = new URL(href);
  if (url.origin !== location.origin || url.search !== '' || url.hash !== '' || !isBelow(url.pathname))
    return null;
  const path = within(url.pathname);
  if (!path.startsWith('/c/')) return null;
  const place = placeOf(path);
  return place.page === 'talk' && place.conversation !== null
    ? { conversation: place.conversation, at: place.at }
    : null;
}

/** The host that is shown behind a link whose text might be taken for another address: it has a sign inside a word. Empty
    if there is no need. */
export function hostBehind(text: string, href: string): string {
  const { host, pathname, protocol } = new URL(href);
  if (!/[^\s'’_-][^\p{L}\p{M}\p{N}\s'’_-]+[^\s]/u.test(text)) return '';
  return protocol === 'mailto:' ? pathname : host;
}
