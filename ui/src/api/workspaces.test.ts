import { QueryClient } from '@tanstack/react-query'
import { describe, expect, test } from 'vitest'
import { aWorkspace } from '@/testing/a-workspace'
import { applyChange, workspaceQuery, workspacesQuery } from './workspaces'

/** A cache that shows one workspace, in the list and on its page. */
function cacheWith(workspace = aWorkspace()) {
  const client = new QueryClient()
  client.setQueryData(workspacesQuery.queryKey, [workspace])
  client.setQueryData(workspaceQuery(workspace.id).queryKey, workspace)
  const shown = () => ({
    page: client.getQueryData(workspaceQuery(workspace.id).queryKey),
    list: client.getQueryData(workspacesQuery.queryKey),
  })
  return { client, shown }
}

describe('news of a workspace', () => {
  test('reaches its page and the list', () => {
    const { client, shown } = cacheWith()
    const stopped = aWorkspace({ phase: 'stopped', updated_at: '2026-11-20T10:00:01Z' })

    applyChange(client, { id: stopped.id, workspace: stopped })

    expect(shown()).toEqual({ page: stopped, list: [stopped] })
  })

  test('that is older than what is shown changes nothing', () => {
    const present = aWorkspace({ updated_at: '2026-11-20T10:00:05Z' })
    const { client, shown } = cacheWith(present)

    applyChange(client, { id: present.id, workspace: aWorkspace({ phase: 'initialising' }) })

    expect(shown()).toEqual({ page: present, list: [present] })
  })

  test('is compared by time, however many digits it is written with', () => {
    const { client, shown } = cacheWith(aWorkspace({ updated_at: '2026-11-20T10:00:00Z' }))
    const later = aWorkspace({ phase: 'stopping', updated_at: '2026-11-20T10:00:00.25Z' })

    applyChange(client, { id: later.id, workspace: later })

    expect(shown().page).toEqual(later)
  })

  test('that is new is put in front of the list', () => {
    const { client, shown } = cacheWith()
    const other = aWorkspace({ id: 'ws_2', name: 'bellows' })

    applyChange(client, { id: other.id, workspace: other })

    expect(shown().list?.map(({ name }) => name)).toEqual(['bellows', 'kindling'])
  })

  test('that came after its deletion does not bring it back', () => {
    const doomed = aWorkspace({ id: 'ws_3' })
    const { client, shown } = cacheWith(doomed)
    applyChange(client, { id: doomed.id, workspace: null })

    applyChange(client, {
      id: doomed.id,
      workspace: { ...doomed, phase: 'deleting', updated_at: '2026-11-20T10:00:09Z' },
    })

    expect(shown()).toEqual({ page: null, list: [] })
  })
})
