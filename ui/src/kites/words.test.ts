import { describe, expect, test } from 'vitest'
import { aKite } from '@/testing/a-kite'
import { count, kites, pathOf, rightOf, sharedOf, showsWorkspace } from './words'

const GRACE = { id: 'usr_2', name: 'grace' }
const TEAM = { id: 'team_1', slug: 'sweeps', name: 'Chimney Sweeps' }
const agent = (given = {}) =>
  aKite({ id: 'ws_1', workspace: 'ws_1', environment: 'hearth', name: 'klient', hostname: 'kindling', ...given })

test('a path has all seven fields in the order of the protocol', () => {
  expect(pathOf(aKite({ id: 'k1' }))).toBe('/ada/production/math/1.2.0/eu/kiln-3/k1')
})

test('a share is about a workspace, or about all services of a name', () => {
  const service = aKite({ id: 'k1', team: TEAM })

  expect(sharedOf(agent())).toEqual({ id: 'ws_1', name: 'kindling', isWorkspace: true, team: null })
  expect(sharedOf(service)).toEqual({ id: 'k1', name: 'production/math', isWorkspace: false, team: 'Chimney Sweeps' })
})

describe('the right to call', () => {
  test.each([
    [aKite(), 'it is yours'],
    [aKite({ may_call: false }), 'may not call it at the moment'],
    [aKite({ owner: GRACE, team: TEAM }), 'you belong to Chimney Sweeps, or grace shared it with you'],
    [aKite({ owner: GRACE }), 'grace shared it with you'],
    [aKite({ owner: GRACE, may_call: false }), 'Only grace and whom grace shares it with'],
    [aKite({ owner: GRACE, team: TEAM, may_call: false }), 'Only grace, members of Chimney Sweeps and whom'],
    [agent({ owner: GRACE, may_call: false }), 'You see it as an administrator. Only grace and'],
  ])('%#: says %s', (kite, words) => {
    expect(rightOf(kite, 'usr_1')).toContain(words)
  })
})

test.each([
  [agent(), 'member', true],
  [agent({ owner: GRACE }), 'member', false],
  [agent({ owner: GRACE, may_call: false }), 'member', true],
  [agent({ owner: GRACE }), 'admin', true],
  [aKite(), 'admin', false],
])('%#: whether the workspace of an agent has a page for one', (kite, role, expected) => {
  expect(showsWorkspace(kite, { id: 'usr_1', role })).toBe(expected)
})

test('counts are grouped, and one is one', () => {
  expect([count(0), count(12_408), kites(1), kites(0), kites(1204)]).toEqual([
    '0',
    '12,408',
    '1 kite',
    '0 kites',
    '1,204 kites',
  ])
})
