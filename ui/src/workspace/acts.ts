// What can be done to a workspace. The page shows the outcome at once and takes it back, with the
// reason, if the server refuses.

import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { answer, api } from '@/api/client'
import type { Phase, Workspace } from '@/api/documents'
import { applyChange, workspaceQuery, writeWorkspace } from '@/api/workspaces'
import { tell, tellProblem } from '@/ui/toast'

export interface WorkspaceActs {
  start: (workspace: Workspace) => void
  stop: (workspace: Workspace) => void
  fork: (workspace: Workspace) => void
  snapshot: (workspace: Workspace) => void
  remove: (workspace: Workspace) => void
  /** Throws the problem, for the form that asked. */
  rename: (workspace: Workspace, name: string) => Promise<void>
}

export function useWorkspaceActs(): WorkspaceActs {
  const client = useQueryClient()
  const navigate = useNavigate()

  return useMemo(() => {
    const show = (workspace: Workspace) => writeWorkspace(client, workspace.id, workspace)

    const change = async (
      workspace: Workspace,
      foreseen: Phase,
      refused: string,
      act: () => Promise<Workspace | undefined>,
    ) => {
      show({ ...workspace, phase: foreseen })
      try {
        const after = await act()
        if (after) applyChange(client, { id: workspace.id, workspace: after })
      } catch (error) {
        show(workspace)
        void client.invalidateQueries({ queryKey: workspaceQuery(workspace.id).queryKey })
        tellProblem(refused, error)
      }
    }

    const path = (workspace: Workspace) => ({ params: { path: { id: workspace.id } } })

    return {
      start(workspace) {
        const foreseen = workspace.phase === 'stopping' ? 'stopping' : 'queued'
        void change(workspace, foreseen, `${workspace.name} was not started`, () =>
          answer(api.POST('/api/v1/workspaces/{id}/start', path(workspace))),
        )
      },
      stop(workspace) {
        const foreseen = workspace.phase === 'failed' ? 'stopped' : 'stopping'
        void change(workspace, foreseen, `${workspace.name} was not stopped`, () =>
          answer(api.POST('/api/v1/workspaces/{id}/stop', path(workspace))),
        )
      },
      remove(workspace) {
        void change(workspace, 'deleting', `${workspace.name} was not deleted`, () =>
          answer(api.DELETE('/api/v1/workspaces/{id}', path(workspace))),
        )
      },
      fork(workspace) {
        answer(api.POST('/api/v1/workspaces/{id}/fork', path(workspace))).then(
          (fork) => {
            applyChange(client, { id: fork.id, workspace: fork })
            void navigate({ to: '/w/$id', params: { id: fork.id } })
            tell(`${fork.name} has the files of ${workspace.name}`)
          },
          (error: unknown) => tellProblem(`${workspace.name} was not forked`, error),
        )
      },
      snapshot(workspace) {
        answer(api.POST('/api/v1/workspaces/{id}/snapshot', path(workspace))).then(
          () => {
            void client.invalidateQueries({ queryKey: ['snapshots'] })
            tell(`Snapshot of ${workspace.name} taken`, {
              label: 'Show',
              act: () => void navigate({ to: '/snapshots' }),
            })
          },
          (error: unknown) => tellProblem('No snapshot was taken', error),
        )
      },
      async rename(workspace, name) {
        const after = await answer(api.PATCH('/api/v1/workspaces/{id}', { ...path(workspace), body: { name } }))
        applyChange(client, { id: workspace.id, workspace: after })
      },
    }
  }, [client, navigate])
}
