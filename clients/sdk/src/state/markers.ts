// How far members have read. Markers only move forward; they have no number.
import type { Marker } from '../wire.js';
import type { Members } from './members.js';
import type { Viewer } from './mentions.js';
import { put } from './put.js';
import { only, type ConversationState, type Reduced, type Reducers, type State } from './state.js';
import { readTo } from './unread.js';

export type Markers = ReadonlyMap<number, Marker>;

export const events: Reducers<'marker.moved'> = {
  'marker.moved': (state, { conversation, data }) => moveMarker(state, conversation, data),
};

/** A member has read further, or messages have reached one of their devices. */
export function moveMarker(state: State, conversation: number, marker: Marker): Reduced {
  const known = state.conversations.get(conversation);
  if (!known) return only(state);
  const viewer = { me: state.me?.id ?? null, groups: state.userGroups?.own ?? null };
  const next = { ...known, markers: present(putMarkers(known.markers, [marker]), known.members) };
  // Where a conversation is marked as unread, the mark says how far one has read, and has events of its own.
  if (marker.user === viewer.me && known.settings.unread_from !== null) return only(put(state, next));
  if (marker.user !== viewer.me || (marker.read_seq <= known.readSeq && !known.inner.uncounted))
    return only(put(state, next));
  const read = readTo(next, Math.max(marker.read_seq, known.readSeq), viewer);
  return {
    ...only(put(state, read)),
    wants: read.inner.uncounted ? [{ type: 'row', conversation }] : [],
  };
}

/** This client has read up to here, and says so. */
export function markRead(known: ConversationState, seq: number, viewer: Viewer): ConversationState {
  return seq > known.readSeq ? readTo(known, seq, viewer) : known;
}

/** Takes the list of markers. */
export function takeMarkers(state: ConversationState, listed: readonly Marker[]): ConversationState {
  return { ...state, markers: present(readMarkers(state.markers, listed), state.members) };
}

function putMarkers(markers: Markers, changes: Iterable<Marker>): Markers {
  let next: Map<number, Marker> | null = null;
  for (const marker of changes) {
    const known = (next ?? markers).get(marker.user);
    if (known && !ahead(marker, known)) continue;
    next ??= new Map(markers);
    next.set(marker.user, marker);
  }
  return next ?? markers;
}

function ahead(marker: Marker, known: Marker): boolean {
  if (marker.read_seq < known.read_seq || marker.delivered_seq < known.delivered_seq) return false;
  return marker.read_seq > known.read_seq || marker.delivered_seq > known.delivered_seq;
}

/** A new member has nothing to read yet. */
export function arrived(markers: Markers, user: number, seq: number): Markers {
  const marker: Marker = { user, read_seq: seq, delivered_seq: seq, read_at: null };
  return new Map(markers).set(user, marker);
}

export function departed(markers: Markers, user: number): Markers {
  if (!markers.has(user)) return markers;
  const next = new Map(markers);
  next.delete(user);
  return next;
}

/** A list of markers, and the moves that events brought meanwhile. */
export function readMarkers(known: Markers, listed: readonly Marker[]): Markers {
  return putMarkers(new Map(listed.map((marker) => [marker.user, marker])), known.values());
}

/** The markers of present members, if they are known: a list may come after somebody on it has left. */
export function present(markers: Markers, members: Members | null): Markers {
  if (!members || [...markers.keys()].every((user) => members.has(user))) return markers;
  return new Map([...markers].filter(([user]) => members.has(user)));
}
