import { describe, expect, test } from 'vitest'
import type { Phase, Workspace } from '@/api/documents'
import { countByTone, readSelection, select } from './selection'

const aWorkspace = (name: string, phase: Phase, active: string, repository = 'https://gitlab.com/a/b'): Workspace => ({
  id: `ws_${name}`,
  name,
  owner: { id: 'usr_1', name: 'ada' },
  source: { repository, ref: null },
  rootfs: 'host',
  base: null,
  limits: { cpu_millis: 2000, memory_bytes: 1, pids: 1 },
  phase,
  desired: 'running',
  failure: null,
  run: 1,
  steps: [],
  notices: [],
  folder: '/workspace/b',
  created_at: active,
  updated_at: active,
  last_activity_at: active,
})

const ALL = [
  aWorkspace('oak', 'running', '2026-11-20T10:00:00Z'),
  aWorkspace('ash', 'stopped', '2026-11-20T12:00:00Z', 'https://github.com/stove/flue'),
  aWorkspace('elm', 'failed', '2026-11-20T11:00:00Z'),
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
