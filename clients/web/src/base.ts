// Where the client is on its site. The server writes it into the page when it is below a path: one build serves everywhere.

/** What stands before the client's own paths: empty at the root of a site, `/chat` below a path. */
export const base = written();

/** The server's address: what the SDK is given, and what people copy. */
export const home = (globalThis.location?.origin ?? '') + base;

/** What this client's keys begin with in the storage, which belongs to the whole site: others may be on it. */
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
