// Workspaces for tests.

import type { Workspace } from '@/api/documents'

/** A running workspace, except for what is given. */
export function aWorkspace(given: Partial<Workspace> = {}): Workspace {
  return {
    id: 'ws_1',
    name: 'kindling',
    owner: { id: 'usr_1', name: 'ada' },
    team: { id: 'team_1', slug: 'everybody', name: 'Everybody' },
    source: { repository: 'https://gitlab.com/hearthside/kindling', ref: null },
    rootfs: 'host',
    base: null,
    limits: { cpu_millis: 2000, memory_bytes: 4 * 2 ** 30, pids: 4096 },
    phase: 'running',
    desired: 'running',
    failure: null,
    run: 1,
    steps: [],
    notices: [],
    folder: '/workspace/kindling',
    created_at: '2026-11-20T10:00:00Z',
    updated_at: '2026-11-20T10:00:00Z',
    last_activity_at: '2026-11-20T10:00:00Z',
    ...given,
  }
}
