import { defaultStorage, prefixed } from '@palabre/sdk';
import { scope } from './base';

/** The storage of this device; where the browser forbids that, values last as long as the page. */
export const storage = scope === '' ? defaultStorage() : prefixed(defaultStorage(), scope);

const PREFIX = 'palabre.';

/** The value that was stored under a name. */
export function kept(name: string): string | null {
  return storage.getItem(PREFIX + name);
}

/** Keeps something, or nothing more; a storage that is full keeps what it has. Returns whether it was taken. */
export function keep(name: string, value: string | null): boolean {
  try {
    if (value === null) storage.removeItem(PREFIX + name);
    else storage.setItem(PREFIX + name, value);
    return true;
  } catch {
    // Nothing here is worth an interruption.
    return false;
  }
}

/** Calls back when another tab has changed what is kept under a name. Where there are no tabs, never. */
export function watchKept(name: () => string | null, changed: () => void): void {
  globalThis.addEventListener?.('storage', ({ key }: StorageEvent) => {
    const wanted = name();
    if (wanted !== null && (key === null || key === scope + PREFIX + wanted)) changed();
  });
}
