// Where a client keeps what must outlive it: its tokens, and messages that are not acknowledged.

/** Like the browser's `Storage`. */
export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  /** Calls back when somebody else (another tab) changed a key; `null` stands for all keys. Returns how to stop. */
  watch?(changed: (key: string | null) => void): () => void;
}

/** Forgets everything when the program ends. */
export function memoryStorage(): KeyValue {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** The browser's `localStorage` if it can be used, else one that forgets. */
export function defaultStorage(): KeyValue {
  try {
    return globalThis.localStorage ?? memoryStorage();
  } catch {
    // Reading it throws where the browser forbids storage.
    return memoryStorage();
  }
}

/** A part of a storage: its keys begin with `prefix`. */
export function prefixed(storage: KeyValue, prefix: string): KeyValue {
  return {
    getItem: (key) => storage.getItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, value),
    removeItem: (key) => storage.removeItem(prefix + key),
    watch: (changed) =>
      watch(storage, (key) => {
        if (key === null) changed(null);
        else if (key.startsWith(prefix)) changed(key.slice(prefix.length));
      }),
  };
}

/** Hears what other tabs change; the browser tells it to the window. */
export function watch(storage: KeyValue, changed: (key: string | null) => void): () => void {
  if (storage.watch) return storage.watch(changed);
  if (typeof globalThis.addEventListener !== 'function') return () => undefined;
  const listener = (event: StorageEvent) => {
    if (event.storageArea === (storage as unknown)) changed(event.key);
  };
  globalThis.addEventListener('storage', listener);
  return () => globalThis.removeEventListener('storage', listener);
}

/** Reads JSON; nothing if there is none that can be read. */
export function readJson(storage: KeyValue, key: string): unknown {
  try {
    const text = storage.getItem(key);
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}
