// Kites and keys of the demonstration: one in every state.

import type { Kite, User } from '../src/api/documents'
import { ago, newId } from './mock-ids.ts'
import type { World } from './mock-world.ts'

/** What a relay's address begins with. */
export const REGISTRY = 'http://127.0.0.1:4173/kite'

export function addDemoKites(world: World): void {
  const [ada, grace] = world.users
  const sweeps = world.teams.find(({ slug }) => slug === 'sweeps')
  if (ada === undefined || grace === undefined || sweeps === undefined) throw new Error('nobody to own kites')
  const team = { id: sweeps.id, slug: sweeps.slug, name: sweeps.name }
  for (const workspace of world.workspaces.values()) {
    if (workspace.phase !== 'running') continue
    addKite(world, ada, {
      ...agent(workspace.id, workspace.name),
      connected: workspace.name !== 'flue-sensor',
      registered_at: workspace.created_at,
      calls: 1842,
      errors: 3,
    })
  }
  addKite(world, grace, { ...agent(newId('ws'), 'hearthstone'), may_call: false, calls: 77, errors: 0 })
  const math = { name: 'math', team, region: 'eu-west' }
  addKite(world, ada, { ...math, hostname: 'kiln-1.example.com', version: '1.2.0', calls: 120_408, tokens: 312 })
  addKite(world, ada, {
    ...math,
    hostname: 'kiln-3.example.com',
    version: '1.10.1',
    registered_at: ago(2),
    calls: 96,
    tokens: 8,
  })
  addKite(world, grace, {
    // Ids are the kites' own to choose.
    id: 'soot #1?%41',
    name: 'soot',
    environment: 'staging',
    hostname: 'attic',
    via: 'http',
    calls: null,
    errors: null,
  })
  addKite(world, grace, { name: 'thermo', hostname: 'cellar', via: 'http', may_call: false, calls: 9040, errors: 512 })
  addKite(world, ada, {
    name: 'a-service-with-a-name-that-goes-on-for-quite-a-while',
    environment: 'an-environment-that-is-just-as-long-as-that',
    version: '2027.11.20-rc1+build.4711',
    hostname: 'ip-10-231-77-14.a-region-far-away.compute.internal',
    region: 'a-region-far-away-1c',
    registered_at: ago(60 * 24 * 80),
  })
  const first = world.kites.find(({ hostname }) => hostname === 'kindling')
  if (first) world.kiteShares.set(first.id, [{ user: { id: grace.id, name: grace.name }, since: ago(60 * 26) }])
  world.kiteKeys = [
    {
      id: newId('kkey'),
      name: 'build machine',
      team,
      created_at: ago(60 * 24 * 12),
      expires_at: ago(-60 * 24 * 18),
      last_used_at: ago(2),
      kites: 3,
    },
    {
      id: newId('kkey'),
      name: 'laptop',
      team: null,
      created_at: ago(60 * 24 * 2),
      expires_at: ago(-60 * 24 * 5),
      last_used_at: null,
      kites: 0,
    },
  ]
  world.registryKeys = [
    registryKey('b7Qx0Vt5d2mYwR1c', 60 * 24 * 9, null, 12),
    registryKey('Z3fK9aP8s6LhJ4eN', 60 * 24 * 200, ago(60 * 24 * 9), 1),
  ]
}

export function registryKey(id: string, minutes: number, retired_at: string | null, kite_keys: number) {
  const line = `${id}MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzT`.slice(0, 64)
  const public_key = `-----BEGIN PUBLIC KEY-----\n${line}\n${line}\n-----END PUBLIC KEY-----\n`
  return { id, public_key, created_at: ago(minutes), retired_at, kite_keys }
}

function agent(id: string, name: string): Partial<Kite> {
  return {
    id,
    workspace: id,
    environment: 'hearth',
    name: 'klient',
    version: '0.1.0',
    hostname: name,
    url: `${REGISTRY}/relay/${id}`,
    via: 'agent',
  }
}

/** A service in production, except for what is given. */
export function addKite(world: World, owner: Pick<User, 'id' | 'name'>, given: Partial<Kite>): Kite {
  const hostname = given.hostname ?? 'kiln-2'
  const kite: Kite = {
    id: newId('').replace('_', ''),
    username: owner.name,
    environment: 'production',
    name: 'math',
    version: '0.4.2',
    region: 'local',
    hostname,
    url: `https://${hostname}/kite`,
    owner: { id: owner.id, name: owner.name },
    team: null,
    workspace: null,
    via: 'socket',
    connected: true,
    registered_at: ago(60 * 7),
    last_seen_at: ago(0.2),
    calls: 12,
    errors: 0,
    tokens: 4,
    may_call: true,
    ...given,
  }
  world.kites.push(kite)
  return kite
}
