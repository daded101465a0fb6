import type { ConversationState, Role, ServerRole } from '@palabre/sdk';

/** Who may do what in a conversation, as docs/features/conversations.md has it. The server decides; this hides what it would refuse. */
export type Act = 'invite' | 'remove' | 'deleteOthers' | 'rename' | 'roles' | 'visibility';

const RANK: Record<Role, number> = { member: 0, moderator: 1, admin: 2, owner: 3 };

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

type Where = Pick<ConversationState, 'row' | 'role'>;

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

/** Whether somebody may do it to a member of that role: nobody acts on an equal, but owners do. */
export function mayTo(act: Act, where: Where, staff: ServerRole, target: Role): boolean {
  const mine = actingRole(where, staff);
  return may(act, where, staff) && (mine === 'owner' || RANK[mine] > RANK[target]);
}

/** The roles that somebody may give: none at or above their own, but owners may give all. */
export function givable(where: Where, staff: ServerRole): Role[] {
  const mine = actingRole(where, staff);
  const all: Role[] = ['member', 'moderator', 'admin', 'owner'];
  return may('roles', where, staff) ? all.filter((role) => mine === 'owner' || RANK[role] < RANK[mine]) : [];
}
