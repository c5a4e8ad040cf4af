// The terminals of one workspace: which there are, opening and ending them.

import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { answer, api } from '@/api/client'
import type { Terminal } from '@/api/documents'
import { tellProblem } from '@/ui/toast'

const terminalsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ['terminals', workspace],
    // Others may open terminals too, such as the command line. There is no event for it.
    refetchInterval: 15_000,
    refetchOnWindowFocus: true,
    queryFn: async (): Promise<Terminal[]> => {
      const { items } = await answer(
        api.GET('/api/v1/workspaces/{id}/terminals', { params: { path: { id: workspace } } }),
      )
      return items
    },
  })

export function useTerminals(workspace: string) {
  const client = useQueryClient()
  const query = useQuery(terminalsQuery(workspace))
  const key = terminalsQuery(workspace).queryKey
  const refresh = useCallback(
    () => client.invalidateQueries({ queryKey: ['terminals', workspace] }),
    [client, workspace],
  )

  const acts = useMemo(
    () => ({
      /** Opens one; `null` if it could not be opened, which has then been said. */
      async open(): Promise<Terminal | null> {
        try {
          const params = { path: { id: workspace } }
          const terminal = await answer(api.POST('/api/v1/workspaces/{id}/terminals', { params, body: {} }))
          client.setQueryData(key, (list) => [...(list ?? []), terminal])
          return terminal
        } catch (error) {
          tellProblem('No terminal was opened', error)
          return null
        }
      },
      /** Hangs up. Its processes end, and it is forgotten. */
      async end(id: number): Promise<void> {
        client.setQueryData(key, (list) => list?.filter((terminal) => terminal.id !== id))
        try {
          const params = { path: { id: workspace, terminal: id } }
          await answer(api.DELETE('/api/v1/workspaces/{id}/terminals/{terminal}', { params }))
        } catch (error) {
          tellProblem('The terminal was not ended', error)
        }
        await refresh()
      },
    }),
    // oxlint-disable-next-line react/exhaustive-deps -- the key is made of the workspace
    [client, workspace, refresh],
  )
  return { query, refresh, ...acts }
}
