// What a place in a team means, and who may give which: pure.

import type { Team, TeamRole } from '@/api/documents'

export const ROLES: { role: TeamRole; title: string; hint: string }[] = [
  { role: 'member', title: 'Member', hint: 'Makes workspaces in it.' },
  { role: 'admin', title: 'Admin', hint: 'Also manages members, forges and secrets.' },
  { role: 'owner', title: 'Owner', hint: 'Also names admins and owners, and deletes the team.' },
]

export function roleTitle(role: TeamRole): string {
  return ROLES.find((item) => item.role === role)?.title ?? role
}

/** What one may do in a team: administrators of the platform whatever its owners may. */
export function rankOf({ role }: Pick<Team, 'role'>, isAdministrator: boolean): TeamRole | null {
  return isAdministrator ? 'owner' : (role ?? null)
}

/** Whether somebody of this rank manages members, forges and secrets. */
export function manages(rank: TeamRole | null): boolean {
  return rank === 'admin' || rank === 'owner'
}

/** The roles somebody may give: admins bring in members, owners name everybody else. */
export function givableRoles(rank: TeamRole | null): TeamRole[] {
  if (rank === 'owner') return ['member', 'admin', 'owner']
  return rank === 'admin' ? ['member'] : []
}

/** Whether one may change or end somebody's place: equals and betters only as an owner. */
export function mayChange(rank: TeamRole | null, its: TeamRole): boolean {
  return rank === 'owner' || (rank === 'admin' && its === 'member')
}

/** A name in addresses out of a name: lower-case letters, digits and single hyphens. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
}
