// Everything that can be done to a workspace, behind three dots. Used by the list and by its page.

import { Camera, Ellipsis, GitFork, Pencil, Play, Square, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { Button } from '@/ui/button'
import { Menu, MenuContent, MenuItem, MenuSeparator, MenuTrigger } from '@/ui/menu'
import { useWorkspaceActs } from './acts'
import { DeleteDialog } from './delete-dialog'
import { canStart, canStop, isLeaving } from './phase'
import { RenameDialog } from './rename-dialog'

export function WorkspaceMenu({ workspace }: { workspace: Workspace }) {
  const [asked, setAsked] = useState<'rename' | 'delete' | null>(null)
  const acts = useWorkspaceActs()
  const obstacle = useWriteObstacle()
  const { phase } = workspace
  const leaving = isLeaving(phase)
  // A disk can be sealed only while nothing writes to it.
  const atRest = phase === 'stopped' || phase === 'failed'
  const hint = atRest || leaving ? {} : { shortcut: 'stop it first' }

  return (
    <>
      <Menu>
        <MenuTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={`More for ${workspace.name}`} disabled={obstacle !== null}>
            <Ellipsis className="size-4" />
          </Button>
        </MenuTrigger>
        <MenuContent>
          {canStart(phase) ? (
            <MenuItem onSelect={() => acts.start(workspace)}>
              <Play />
              {phase === 'failed' ? 'Try again' : 'Start'}
            </MenuItem>
          ) : null}
          {canStop(phase) && phase !== 'failed' ? (
            <MenuItem onSelect={() => acts.stop(workspace)}>
              <Square />
              Stop
            </MenuItem>
          ) : null}
          <MenuItem disabled={leaving} onSelect={() => setAsked('rename')}>
            <Pencil />
            Rename
          </MenuItem>
          <MenuSeparator />
          <MenuItem disabled={!atRest} {...hint} onSelect={() => acts.fork(workspace)}>
            <GitFork />
            Fork
          </MenuItem>
          <MenuItem disabled={!atRest} {...hint} onSelect={() => acts.snapshot(workspace)}>
            <Camera />
            Take a snapshot
          </MenuItem>
          <MenuSeparator />
          <MenuItem danger disabled={leaving} onSelect={() => setAsked('delete')}>
            <Trash2 />
            Delete
          </MenuItem>
        </MenuContent>
      </Menu>
      {asked === 'rename' ? <RenameDialog workspace={workspace} onClose={() => setAsked(null)} /> : null}
      {asked === 'delete' ? (
        <DeleteDialog workspace={workspace} onConfirm={() => acts.remove(workspace)} onClose={() => setAsked(null)} />
      ) : null}
    </>
  )
}
