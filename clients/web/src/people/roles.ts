import type { Role, ServerRole } from '@palabre/sdk';
import { actingRole, may, RANK, type Act, type Where } from './permissions';

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
