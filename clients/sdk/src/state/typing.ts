// Who is writing. It ends when it is said, when they have said what they wrote, or by itself.
import type { Person } from '../wire.js';

export interface Writer {
  readonly user: Person;
  /** When it ends by itself, in milliseconds of the client's clock. */
  readonly until: number;
}

export type Typing = ReadonlyMap<number, Writer>;

export const nobody: Typing = new Map();

export function begins(typing: Typing, user: Person, until: number): Typing {
  return new Map(typing).set(user.id, { user, until });
}

export function ends(typing: Typing, user: number): Typing {
  if (!typing.has(user)) return typing;
  const next = new Map(typing);
  next.delete(user);
  return next;
}

/** Those who still write at this moment. */
export function still(typing: Typing, now: number): Typing {
  const next = new Map([...typing].filter(([, writer]) => writer.until > now));
  return next.size === typing.size ? typing : next;
}

/** When the next one ends by itself. */
export function nextEnd(typing: Typing): number {
  return Math.min(Infinity, ...[...typing.values()].map((writer) => writer.until));
}
