// How far members have read. Markers only move forward; they have no number.
import type { Marker } from '../wire.js';
import type { Members } from './members.js';

export type Markers = ReadonlyMap<number, Marker>;

export function putMarkers(markers: Markers, changes: Iterable<Marker>): Markers {
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

/** Whoever comes in has nothing to read yet. */
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

/** What was listed, and what signals told of more meanwhile. */
export function readMarkers(known: Markers, listed: readonly Marker[]): Markers {
  return putMarkers(new Map(listed.map((marker) => [marker.user, marker])), known.values());
}

/** Those of present members, if they are known: what was listed before somebody left may come after. */
export function present(markers: Markers, members: Members | null): Markers {
  if (!members || [...markers.keys()].every((user) => members.has(user))) return markers;
  return new Map([...markers].filter(([user]) => members.has(user)));
}
