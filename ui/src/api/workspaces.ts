// Workspaces as the pages hold them: two caches (the list, each one) kept true by the event stream.

import { type QueryClient, queryOptions } from '@tanstack/react-query'
import type { Change } from '@/live/events'
import { answer, api } from './client'
import type { Workspace } from './documents'

/** Pages of a hundred; more than this many workspaces are not listed at once. */
const MOST_PAGES = 10

export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async (): Promise<Workspace[]> => {
    const all: Workspace[] = []
    let after: string | null | undefined
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const query = after == null ? { limit: 100 } : { after, limit: 100 }
      const { items, next } = await answer(api.GET('/api/v1/workspaces', { params: { query } }))
      all.push(...items)
      if (next == null) break
      after = next
    }
    return all
  },
})

/** One workspace; `null` once it has been deleted while the page was open. */
export const workspaceQuery = (id: string) =>
  queryOptions({
    queryKey: ['workspace', id],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: (): Promise<Workspace | null> => answer(api.GET('/api/v1/workspaces/{id}', { params: { path: { id } } })),
  })

/**
 * Workspaces that are gone for ever. News of them may still be on the way: the answer to a deletion can
 * come after the event that it is done.
 */
const gone = new Set<string>()

/** Writes a change into both caches. Older news than what is shown is dropped. */
export function applyChange(client: QueryClient, { id, workspace }: Change): void {
  const known = client.getQueryData(workspaceQuery(id).queryKey) ?? listed(client, id)
  if (workspace === null) gone.add(id)
  else if (known != null && isOlder(workspace, known)) return
  writeWorkspace(client, id, workspace)
}

/** Writes a workspace into both caches, whatever its age; unless it is gone. */
export function writeWorkspace(client: QueryClient, id: string, workspace: Workspace | null): void {
  if (workspace !== null && gone.has(id)) return
  const key = workspaceQuery(id).queryKey
  if (client.getQueryState(key) !== undefined) client.setQueryData(key, workspace)
  client.setQueryData(workspacesQuery.queryKey, (list) => list && replaced(list, id, workspace))
}

/** Reads everything about workspaces anew, because changes may have been missed. */
export function refreshWorkspaces(client: QueryClient): void {
  void client.invalidateQueries({ queryKey: workspacesQuery.queryKey })
  void client.invalidateQueries({ queryKey: ['workspace'] })
}

/** The list with one workspace replaced, added in front, or (`null`) taken out. */
export function replaced(list: Workspace[], id: string, workspace: Workspace | null): Workspace[] {
  if (workspace === null) return list.filter((item) => item.id !== id)
  if (list.some((item) => item.id === id)) return list.map((item) => (item.id === id ? workspace : item))
  return [workspace, ...list]
}

/** By time and not by text: the server writes as many digits of a second as it needs. */
function isOlder(one: Workspace, other: Workspace): boolean {
  return Date.parse(one.updated_at) < Date.parse(other.updated_at)
}

function listed(client: QueryClient, id: string): Workspace | undefined {
  return client.getQueryData(workspacesQuery.queryKey)?.find((item) => item.id === id)
}
