// Deletion is for ever, so the name has to be typed.

import type { Workspace } from '@/api/documents'
import { Confirm } from '@/ui/confirm'

interface DeleteDialogProps {
  workspace: Workspace
  onConfirm: () => void
  onClose: () => void
}

export function DeleteDialog({ workspace, onConfirm, onClose }: DeleteDialogProps) {
  return (
    <Confirm
      title={`Delete ${workspace.name}?`}
      verb="Delete for ever"
      typed={workspace.name}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      <p className="text-muted">
        Its processes end and its files are removed, commits that were not pushed included. Snapshots and forks stay.
      </p>
    </Confirm>
  )
}
