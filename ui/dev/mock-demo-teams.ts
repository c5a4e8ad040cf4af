// Teams of the demonstration.

import type { TeamRole } from '../src/api/documents'
import { ago, newId } from './mock-ids.ts'
import type { World } from './mock-world.ts'

export function addDemoTeams(world: World): void {
  const [ada, grace] = world.users
  if (ada === undefined || grace === undefined) throw new Error('nobody to be in a team')
  addTeam(world, { slug: 'sweeps', name: 'Chimney Sweeps', role: 'owner' })
  addTeam(world, { slug: 'masons', name: 'Masons', role: 'member' })
  const member = (user: typeof ada, role: TeamRole, days: number) => ({
    user: { id: user.id, name: user.name },
    role,
    since: ago(60 * 24 * days),
  })
  world.members.set('everybody', [member(ada, 'owner', 40), member(grace, 'member', 9)])
  world.members.set('sweeps', [member(ada, 'owner', 30), member(grace, 'member', 8)])
  world.members.set('masons', [member(grace, 'owner', 20), member(ada, 'member', 6)])
  for (const team of world.teams) team.members = world.members.get(team.slug)?.length ?? 1
  world.invitations.set('sweeps', [
    {
      id: newId('inv'),
      role: 'member',
      note: 'mary@example.com',
      by: { id: ada.id, name: ada.name },
      created_at: ago(60 * 24),
      expires_at: ago(-60 * 24 * 6),
    },
  ])
  world.secrets.set('sweeps', [
    { name: 'NPM_TOKEN', created_at: ago(60 * 24 * 20), updated_at: ago(60 * 24 * 2) },
    { name: 'SENTRY_DSN', created_at: ago(60 * 24 * 12), updated_at: ago(60 * 24 * 12) },
  ])
  Object.assign(world.keys, { platform_key_version: '2', data_keys: 9, retired: 2, secrets: 31, sealed_by_retired: 4 })
}

export function addTeam(world: World, given: { slug: string; name: string; role: TeamRole }) {
  const team = {
    id: newId('team'),
    ...given,
    url: `http://127.0.0.1:4173/t/${given.slug}`,
    everybody: false,
    members: 1,
    rootfs: null,
    limits: null,
    created_at: ago(60 * 24 * 30),
  }
  world.teams.push(team)
  return team
}
