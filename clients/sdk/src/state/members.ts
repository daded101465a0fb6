// The members of a conversation.
import type { ConversationRow, Limits, Member } from '../wire.js';
import { person } from './accounts.js';
import { arrived, departed, present } from './markers.js';
import {
  step,
  withInner,
  type Context,
  type ConversationState,
  type NumberedReducer,
  type NumberedReducers,
} from './state.js';
import { ends } from './typing.js';

/** Present members by id. */
export type Members = ReadonlyMap<number, Member>;

const cameOrWent: NumberedReducer<'member.joined' | 'member.left'> = {
  people: ({ member }) => [person(member.user)],
  apply: (known, { data, seq }, context) =>
    step(putMember(withCount(known, data.member_count, seq), data.member, context)),
};

export const numbered: NumberedReducers<
  'member.joined' | 'member.left' | 'member.updated' | 'members.changed'
> = {
  // Who they are is not said: they are read by pages where they are shown, and a reading that is under way is of no use.
  'members.changed': {
    people: () => [],
    apply: (known, { data, seq }) => {
      const next = { ...withCount(known, data.member_count, seq), members: null };
      return step(known.inner.readings.size > 0 ? withInner(next, { unlisted: true }) : next);
    },
  },
  'member.joined': cameOrWent,
  'member.left': cameOrWent,
  'member.updated': {
    people: ({ user }) => [person(user)],
    apply: (known, { data }, context) => step(putMember(known, data, context)),
  },
};

/** A repeat of an event must not take back what a fresh row has brought already. */
function withCount(state: ConversationState, member_count: number, seq: number): ConversationState {
  return seq > state.row.head ? { ...state, row: { ...state.row, member_count } } : state;
}

/**
 * Puts a membership wherever the conversation shows it.
 * `readTo`: how far they have read, if they were not known as a member before.
 */
export function putMember(
  state: ConversationState,
  member: Member,
  { me }: Context,
  readTo: number = member.rev,
): ConversationState {
  const { inner } = state;
  const user = member.user.id;
  const first = !state.members?.has(user) && member.role !== null;
  let markers = state.markers;
  if (member.role === null) markers = departed(markers, user);
  else if (first && state.members) markers = arrived(markers, user, readTo);
  return {
    ...state,
    role: user === me && member.role !== null && member.rev > state.row.head ? member.role : state.role,
    members: state.members && putMembers(state.members, [member]),
    markers,
    typing: member.role === null ? ends(state.typing, user) : state.typing,
    inner: inner.readings.size > 0 ? { ...inner, touchedMembers: [...inner.touchedMembers, member] } : inner,
  };
}

/**
 * Whether a conversation is so large that its members are not all loaded: the server tells of joins and leaves there
 * by their count, and of no presence.
 */
export function isLarge({ member_count }: ConversationRow, limits: Limits | null): boolean {
  return limits !== null && member_count > limits.presence_members;
}

/** Takes the list of members, unless people came and went meanwhile of whom nothing was said. */
export function takeMembers(state: ConversationState, listed: readonly Member[]): ConversationState {
  if (state.inner.unlisted) return state;
  const members = readMembers(state.members, listed, state.inner.touchedMembers);
  return { ...state, members, markers: present(state.markers, members) };
}

/** Puts memberships in place of what was known; those who have left go. */
function putMembers(members: Members, changes: Iterable<Member>): Members {
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

/** A list of members, and the memberships that changed while it was being read. */
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
