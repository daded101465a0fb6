// For programs in Node: a storage that outlives them.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { KeyValue } from './storage.js';

type Values = Readonly<Record<string, string>>;

/**
 * A storage in a file: tokens, messages that are not sent, and positions outlive the program. Only its user may read it.
 *
 * Throws if the file cannot be read or written. One file is for one program: two that write at once lose the values of
 * one of them.
 */
export function fileStorage(path: string): KeyValue {
  // What is wrong with the file is told now, and not when the first token is lost.
  write(path, read(path));
  return {
    getItem: (key) => read(path)[key] ?? null,
    setItem: (key, value) => write(path, { ...read(path), [key]: value }),
    removeItem: (key) => {
      const { [key]: gone, ...rest } = read(path);
      if (gone !== undefined) write(path, rest);
    },
  };
}

function read(path: string): Values {
  const text = textOf(path);
  if (text === null) return {};
  const values = parsed(text);
  if (isValues(values)) return values;
  throw new Error(
    `${path} is not a file of this storage: it must hold a JSON object whose values are texts.`,
  );
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isValues(value: unknown): value is Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((it) => typeof it === 'string');
}

/** All or nothing, also when the power fails: the new file takes the place of the old one once it is on the disk. */
function write(path: string, values: Values): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, JSON.stringify(values));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
}
