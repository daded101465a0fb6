import type { ConversationState, Role, ServerRole } from '@palabre/sdk';

/** The permissions in a conversation, as docs/features/conversations.md has them. The server decides; this hides what it would refuse. */
export type Act = 'invite' | 'remove' | 'deleteOthers' | 'rename' | 'roles' | 'visibility';

/** Roles by what they may do. */
export const RANK: Record<Role, number> = { member: 0, moderator: 1, admin: 2, owner: 3 };

const LEAST: Record<'room' | 'group', Record<Act, Role | null>> = {
  room: {
    invite: 'admin',
    remove: 'moderator',
    deleteOthers: 'moderator',
    rename: 'admin',
    roles: 'admin',
    visibility: 'admin',
  },
  group: {
    invite: 'member',
    remove: 'moderator',
    deleteOthers: 'moderator',
    rename: 'member',
    roles: 'admin',
    visibility: null,
  },
};

export type Where = Pick<ConversationState, 'row' | 'role'>;

/** The role that somebody acts with: staff of the server act as such in public rooms that they are members of. */
export function actingRole({ row, role }: Where, staff: ServerRole): Role {
  const given = staff === 'admin' ? 'admin' : staff === 'moderator' ? 'moderator' : 'member';
  const counts = row.kind === 'room' && row.visibility === 'public';
  return counts && RANK[given] > RANK[role] ? given : role;
}

/** Whether somebody may do it there at all. */
export function may(act: Act, where: Where, staff: ServerRole): boolean {
  if (where.row.kind === 'direct') return false;
  const least = LEAST[where.row.kind][act];
  return least !== null && RANK[actingRole(where, staff)] >= RANK[least];
}
