import { describe, expect, test } from 'vitest'
import type { Phase } from '@/api/documents'
import { aWorkspace } from '@/testing/a-workspace'
import { countByTone, readSelection, select } from './selection'

const one = (name: string, phase: Phase, active: string, repository = 'https://gitlab.com/a/b') =>
  aWorkspace({ id: `ws_${name}`, name, phase, last_activity_at: active, source: { repository, ref: null } })

const ALL = [
  one('oak', 'running', '2026-11-20T10:00:00Z'),
  one('ash', 'stopped', '2026-11-20T12:00:00Z', 'https://github.com/stove/flue'),
  one('elm', 'failed', '2026-11-20T11:00:00Z'),
]
const names = (search: Parameters<typeof readSelection>[0]) =>
  select(ALL, readSelection(search)).map(({ name }) => name)

describe('the list', () => {
  test('shows the latest first', () => {
    expect(names({})).toEqual(['ash', 'elm', 'oak'])
  })

  test.each([
    [{ sort: 'name' }, ['ash', 'elm', 'oak']],
    [{ sort: 'name', order: 'down' }, ['oak', 'elm', 'ash']],
    [{ sort: 'state' }, ['elm', 'oak', 'ash']],
    [{ q: 'STOVE' }, ['ash']],
    [{ q: 'elm nothing' }, []],
    [{ state: 'running' }, ['oak']],
    [{ state: 'nonsense', sort: 'nonsense', order: 'nonsense' }, ['ash', 'elm', 'oak']],
  ])('for %j is %j', (search, expected) => {
    expect(names(search)).toEqual(expected)
  })

  test('knows how many there are of each state', () => {
    expect(countByTone(ALL)).toEqual({ all: 3, running: 1, busy: 0, failed: 1, stopped: 1 })
  })
})
