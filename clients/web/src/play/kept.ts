// The storage of the playground, for as long as the tab is open: apart from the web client's own session.
import { memoryStorage, prefixed, type KeyValue } from '@palabre/sdk';
import type { Who } from './frames';
import { scope } from '../base';

const PREFIX = `${scope}play.`;
const TOWN = 'town';

/** The credentials of a test person. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The two people and their room, as far as they are made. */
export interface Kept {
  readonly ada?: Credentials;
  readonly bob?: Credentials;
  readonly room?: number;
}

const storage: KeyValue = prefixed(tabStorage(), PREFIX);

function tabStorage(): KeyValue {
  try {
    return sessionStorage;
  } catch {
    // Reading it throws where the browser forbids storage.
    return memoryStorage();
  }
}

/** Where one person's client keeps its tokens. */
export function storageOf(who: Who): KeyValue {
  return prefixed(storage, `${who}.`);
}

export function readKept(): Kept {
  try {
    return (JSON.parse(storage.getItem(TOWN) ?? '{}') ?? {}) as Kept;
  } catch {
    return {};
  }
}

export function keep(change: Kept): void {
  storage.setItem(TOWN, JSON.stringify({ ...readKept(), ...change }));
}

export function forget(): void {
  storage.removeItem(TOWN);
}

/** Letters and digits that nobody guesses; a safe context, which `randomUUID` wants, is not needed. */
export function randomText(length: number): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return [...bytes].map((byte) => alphabet[byte % alphabet.length]).join('');
}
