// Whether people are online, away, busy or offline.
import type { NamedPresence, PersonPresence } from '../wire.js';
import { meet, person, type People, type PersonChange } from './accounts.js';
import { each } from './put.js';
import { only, type Reducers, type State } from './state.js';

export const events: Reducers<'presence.changed'> = {
  'presence.changed': (state, { data }) =>
    only(peersSeen({ ...state, people: seeNamed(state.people, data.people) })),
};

/** Takes presence that was asked for. */
export function takePresences(state: State, seen: readonly PersonPresence[]): State {
  return peersSeen({ ...state, people: see(state.people, seen) });
}

function seeNamed(people: People, seen: readonly NamedPresence[]): People {
  return meet(
    people,
    seen.map(({ user, presence, last_seen_at }) => ({ ...person(user), presence, lastSeenAt: last_seen_at })),
  );
}

/** Takes the presence of people who are known by name; others cannot be shown anyway. */
function see(people: People, seen: readonly PersonPresence[]): People {
  const changes = seen.flatMap(({ user, presence, last_seen_at }): PersonChange[] => {
    const known = people.get(user);
    return known ? [{ id: user, username: known.username, presence, lastSeenAt: last_seen_at }] : [];
  });
  return meet(people, changes);
}

/** A direct conversation shows the other's presence. */
function peersSeen(state: State): State {
  return each(state, (known) => {
    const presence = known.peer && state.people.get(known.peer.id)?.presence;
    if (!known.peer || !presence || presence === known.peer.presence) return known;
    return { ...known, peer: { ...known.peer, presence } };
  });
}
