// Kites for tests.

import type { Kite } from '@/api/documents'

/** A service of ada's, except for what is given. */
export function aKite(given: Partial<Kite> = {}): Kite {
  return {
    id: '6ca5f1de-09c1-4f6c-8f37-1a9f3c3f0a11',
    username: 'ada',
    environment: 'production',
    name: 'math',
    version: '1.2.0',
    region: 'eu',
    hostname: 'kiln-3',
    url: 'https://kiln-3.example.com/kite',
    owner: { id: 'usr_1', name: 'ada' },
    team: null,
    workspace: null,
    via: 'socket',
    connected: true,
    registered_at: '2026-11-20T10:00:00Z',
    last_seen_at: '2026-11-20T11:00:00Z',
    calls: 12,
    errors: 0,
    tokens: 3,
    may_call: true,
    ...given,
  }
}
