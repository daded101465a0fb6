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

/**
 * The browser's `localStorage` if it can be used, else one that forgets. Outside of a page it is never used: where other
 * programs have a `localStorage`, all clients in them would share one session.
 */
export function defaultStorage(): KeyValue {
  if (typeof globalThis.document === 'undefined') return memoryStorage();
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

/** Calls back when another tab changes a key. */
export function watch(storage: KeyValue, changed: (key: string | null) => void): () => void {
  if (storage.watch) return storage.watch(changed);
  if (typeof globalThis.addEventListener !== 'function') return () => undefined;
  const listener = (event: StorageEvent) => {
    if (event.storageArea === (storage as unknown)) changed(event.key);
  };
  globalThis.addEventListener('storage', listener);
  return () => globalThis.removeEventListener('storage', listener);
}

// Storage may be full or forbidden at any time; who uses it goes on without.

/** Reads a text; nothing if it cannot be read. */
export function readText(storage: KeyValue, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

/** Whether a text could be written. */
export function writeText(storage: KeyValue, key: string, text: string): boolean {
  try {
    storage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

export function removeText(storage: KeyValue, key: string): void {
  try {
    storage.removeItem(key);
  } catch {
    // A value that cannot be removed could not have been written either.
  }
}

/** Reads JSON; nothing if there is none that can be read. */
export function readJson(storage: KeyValue, key: string): unknown {
  return parsed(readText(storage, key));
}

/** Parses a text as JSON; undefined if it is no JSON. */
export function parsed(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}
