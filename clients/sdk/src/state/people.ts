// People: whoever was named anywhere, with the profile and the presence that are known of them.
import type { Person, PersonPresence, ShownPresence, User } from '../wire.js';

export interface PersonState {
  readonly id: number;
  readonly username: string;
  /** The profile, once it was loaded. */
  readonly user: User | null;
  /** Whether they are here; `null` while nobody has said. */
  readonly presence: ShownPresence | null;
  readonly lastSeenAt: string | null;
}

export type People = ReadonlyMap<number, PersonState>;

type Change = Partial<PersonState> & Person;

/** Puts what is known in place of what was known before; the same map if nothing is new. */
export function meet(people: People, changes: Iterable<Change>): People {
  let next: Map<number, PersonState> | null = null;
  for (const change of changes) {
    const known = (next ?? people).get(change.id);
    if (known && same(known, change)) continue;
    next ??= new Map(people);
    next.set(change.id, { user: null, presence: null, lastSeenAt: null, ...known, ...change });
  }
  return next ?? people;
}

function same(known: PersonState, change: Change): boolean {
  return (Object.keys(change) as (keyof PersonState)[]).every((field) =>
    field === 'user'
      ? JSON.stringify(known.user) === JSON.stringify(change.user)
      : known[field] === change[field],
  );
}

/** As short as can be, out of anything that has more. */
export function person({ id, username }: Person): Person {
  return { id, username };
}

/** The profile's fields out of an account. */
export function profile(user: User): User {
  const {
    id,
    username,
    display_name,
    first_name,
    last_name,
    profession,
    city,
    language,
    time_zone,
    status_message,
  } = user;
  return {
    id,
    username,
    display_name,
    first_name,
    last_name,
    profession,
    city,
    language,
    time_zone,
    status_message,
  };
}

/** Takes the presence of people who are known by name; others cannot be shown anyway. */
export function see(people: People, seen: readonly PersonPresence[]): People {
  const changes = seen.flatMap(({ user, presence, last_seen_at }): Change[] => {
    const known = people.get(user);
    return known ? [{ id: user, username: known.username, presence, lastSeenAt: last_seen_at }] : [];
  });
  return meet(people, changes);
}

/** What a name is made of; a peer and a person have less of it than a profile. */
export interface Named {
  readonly username: string;
  readonly display_name?: string | null;
  readonly first_name?: string | null;
  readonly last_name?: string | null;
}

/** The display name, else first and last name, else the username. */
export function shownNameOf({ username, display_name, first_name, last_name }: Named): string {
  const full = [first_name, last_name].filter(Boolean).join(' ');
  return display_name || full || username;
}

/** The same, with what is known of a person. */
export function shownName(people: People, person: Person): string {
  // Who names them now may know a newer username than the profile that was loaded once.
  return shownNameOf({ ...people.get(person.id)?.user, username: person.username });
}
