// Accounts: one's own, and everybody who was named anywhere, with the profile and the presence that are known of them.
import type { Account, Person, ShownPresence, User } from '../wire.js';
import { each } from './put.js';
import { only, type Reducers, type State } from './state.js';

export interface PersonState {
  readonly id: number;
  readonly username: string;
  /** The profile, once it was loaded. */
  readonly user: User | null;
  /** Whether they are here; `null` while it is not known. */
  readonly presence: ShownPresence | null;
  readonly lastSeenAt: string | null;
}

export type People = ReadonlyMap<number, PersonState>;

export type PersonChange = Partial<PersonState> & Person;

export const events: Reducers<'account.updated' | 'user.updated'> = {
  'account.updated': (state, { data }) => only(takeAccount(state, data)),
  'user.updated': (state, { data }) => only(takeUsers(state, [data])),
};

/** Takes one's own account, unless a later state of it is known: a greeting may have been read before the last event. */
export function takeAccount(state: State, me: Account): State {
  if (state.me?.id === me.id && state.me.rev > me.rev) return state;
  // One may talk to oneself.
  return peersNamed({ ...state, me, people: meet(state.people, [{ ...person(me), user: profile(me) }]) });
}

/** Takes profiles that were asked for, or told; of two readings the one with the greater `rev` stays. */
export function takeUsers(state: State, users: readonly User[]): State {
  // Servers before feature level 5 give no `rev`: there the later one stays.
  const fresh = users.filter(({ id, rev }) => !((state.people.get(id)?.user?.rev ?? 0) > rev));
  const met = meetAll(
    state,
    fresh.map((user) => ({ ...person(user), user })),
  );
  return met === state ? state : peersNamed(met);
}

/** Whether a profile says which of its states it is; 0 is the first. Servers before feature level 5 do not say it. */
export function isNumbered({ rev }: { readonly rev?: number | undefined }): boolean {
  return rev !== undefined;
}

/**
 * A direct conversation has the other's name as it is known of them: a row may have been read before their last change.
 * Of servers before feature level 5 nobody hears of changes, and the row is as good.
 */
export function peersNamed(state: State): State {
  return each(state, (known) => {
    const user = known.peer && state.people.get(known.peer.id)?.user;
    if (!known.peer || !user || !isNumbered(user)) return known;
    if (user.display_name === known.peer.display_name) return known;
    return { ...known, peer: { ...known.peer, display_name: user.display_name } };
  });
}

/** Takes what was said of people in passing; the same state if nothing is new. */
export function meetAll(state: State, changes: Iterable<PersonChange>): State {
  const people = meet(state.people, changes);
  return people === state.people ? state : { ...state, people };
}

/** Merges changes into the people; the same map if nothing is new. */
export function meet(people: People, changes: Iterable<PersonChange>): People {
  let next: Map<number, PersonState> | null = null;
  for (const change of changes) {
    const known = (next ?? people).get(change.id);
    if (known && same(known, change)) continue;
    next ??= new Map(people);
    next.set(change.id, { user: null, presence: null, lastSeenAt: null, ...known, ...change });
  }
  return next ?? people;
}

function same(known: PersonState, change: PersonChange): boolean {
  return (Object.keys(change) as (keyof PersonState)[]).every((field) =>
    field === 'user'
      ? JSON.stringify(known.user) === JSON.stringify(change.user)
      : known[field] === change[field],
  );
}

/** The shortest form of a person, out of anything that has more. */
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
    avatar,
    rev,
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
    avatar,
    rev,
  };
}

/** The parts of a name; a peer and a person have fewer of them than a profile. */
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
  // A profile that was loaded earlier may have an older username than the person at hand.
  return shownNameOf({ ...people.get(person.id)?.user, username: person.username });
}
