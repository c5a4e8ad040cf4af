import { describe, expect, test } from 'vitest'
import { aKite } from '@/testing/a-kite'
import { countByKind, readSelection, select } from './selection'

const GRACE = { id: 'usr_2', name: 'grace' }
const TEAM = { id: 'team_1', slug: 'sweeps', name: 'Chimney Sweeps' }
const ALL = [
  aKite({ id: 'a', name: 'math', hostname: 'kiln-3', registered_at: '2026-11-20T10:00:00Z', calls: 5, tokens: 1 }),
  aKite({ id: 'b', name: 'math', hostname: 'kiln-1', registered_at: '2026-11-20T12:00:00Z', calls: null, tokens: 9 }),
  aKite({
    id: 'ws_1',
    name: 'klient',
    environment: 'hearth',
    hostname: 'kindling',
    workspace: 'ws_1',
    via: 'agent',
    registered_at: '2026-11-20T11:00:00Z',
    calls: 80,
    tokens: 4,
  }),
  aKite({ id: 'c', name: 'soot', owner: GRACE, team: TEAM, hostname: 'attic', via: 'http', errors: 7, tokens: 0 }),
]
const ids = (search: Parameters<typeof readSelection>[0]) => select(ALL, readSelection(search)).map(({ id }) => id)

describe('the list', () => {
  test('is by name, then by where', () => {
    expect(ids({})).toEqual(['ws_1', 'b', 'a', 'c'])
  })

  test.each([
    [{ sort: 'since' }, ['b', 'ws_1', 'a', 'c']],
    [{ sort: 'since', order: 'up' }, ['a', 'c', 'ws_1', 'b']],
    [{ sort: 'calls' }, ['ws_1', 'c', 'a', 'b']],
    [{ sort: 'errors' }, ['c', 'ws_1', 'b', 'a']],
    [{ sort: 'tokens' }, ['b', 'ws_1', 'a', 'c']],
    [{ sort: 'host' }, ['c', 'b', 'a', 'ws_1']],
    [{ sort: 'owner', order: 'down' }, ['c', 'ws_1', 'b', 'a']],
    [{ q: 'MATH kiln-1' }, ['b']],
    [{ q: 'sweeps' }, ['c']],
    [{ q: 'grace' }, ['c']],
    [{ q: 'http' }, ['c']],
    [{ q: 'nobody' }, []],
    [{ kind: 'agents' }, ['ws_1']],
    [{ kind: 'services', q: 'math' }, ['b', 'a']],
    [{ kind: 'nonsense', sort: 'nonsense', order: 'nonsense' }, ['ws_1', 'b', 'a', 'c']],
  ])('for %j is %j', (search, expected) => {
    expect(ids(search)).toEqual(expected)
  })

  test('knows how many there are of each kind', () => {
    expect(countByKind(ALL)).toEqual({ all: 4, services: 3, agents: 1 })
  })
})
