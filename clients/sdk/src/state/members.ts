// Who is in a conversation.
import type { Member } from '../wire.js';

/** Present members by id. */
export type Members = ReadonlyMap<number, Member>;

/** Puts memberships in place of what was known; those who have left go. */
export function putMembers(members: Members, changes: Iterable<Member>): Members {
  let next: Map<number, Member> | null = null;
  for (const member of changes) {
    const known = (next ?? members).get(member.user.id);
    if (known ? known.rev >= member.rev : member.role === null) continue;
    next ??= new Map(members);
    if (member.role === null) next.delete(member.user.id);
    else next.set(member.user.id, member);
  }
  return next ?? members;
}

/** What was listed, and what changed while it was being read. */
export function readMembers(
  known: Members | null,
  listed: Iterable<Member>,
  touched: Iterable<Member>,
): Members {
  const next = new Map<number, Member>();
  for (const member of listed) {
    const before = known?.get(member.user.id);
    next.set(member.user.id, before && before.rev >= member.rev ? before : member);
  }
  return putMembers(next, touched);
}
