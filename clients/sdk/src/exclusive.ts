// Work on a storage that others share, one after the other.
import type { KeyValue } from './storage.js';

const queues = new WeakMap<KeyValue, Promise<unknown>>();

/** One after the other: among the tabs of a browser where it has locks, else among the clients of this program. */
export async function exclusively<T>(name: string, storage: KeyValue, work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (locks) return (await locks.request(name, work)) as T;
  const mine = (queues.get(storage) ?? Promise.resolve()).then(work, work);
  queues.set(
    storage,
    mine.catch(() => undefined),
  );
  return mine;
}
