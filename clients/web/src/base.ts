// Where the client is on its site. The server writes it into the page when it is below a path: one build serves everywhere.

/** The prefix of the client's own paths: empty at the root of a site, `/chat` below a path. */
export const base = written();

/** The server's address: what the SDK is given, and what people copy. */
export const home = (globalThis.location?.origin ?? '') + base;

/** The prefix of this client's keys in the storage, which it shares with other pages of the site. */
export const scope = base === '' ? '' : `${base}:`;

/** Tests of single functions have no page. */
function written(): string {
  const meta = globalThis.document?.querySelector<HTMLMetaElement>('meta[name="palabre-base"]');
  return (meta?.content ?? '/').replace(/\/+$/, '');
}

/** The address of one of the client's paths. */
export function at(path: string): string {
  return base + path;
}

/** The client's path in an address; the whole of it if the page was asked for without what stands before it. */
export function within(address: string): string {
  return isBelow(address) ? address.slice(base.length) : address;
}

/** Whether an address is one of the client's. */
export function isBelow(address: string): boolean {
  return address === base || address.startsWith(`${base}/`);
}
