// Gives a workspace another name.

import { type FormEvent, useState } from 'react'
import type { Workspace } from '@/api/documents'
import { asProblem, type ProblemError } from '@/api/problem'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { TextField } from '@/ui/field'
import { sentence } from '@/ui/notice'
import { useWorkspaceActs } from './acts'

export function RenameDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const [name, setName] = useState(workspace.name)
  const [problem, setProblem] = useState<ProblemError | null>(null)
  const [pending, setPending] = useState(false)
  const { rename } = useWorkspaceActs()

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    try {
      await rename(workspace, name.trim())
      onClose()
    } catch (error) {
      setProblem(asProblem(error))
      setPending(false)
    }
  }
  return (
    <Dialog title={`Rename ${workspace.name}`} onClose={onClose}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          hint="Lower-case letters, digits and hyphens, at most 40."
          error={problem ? [sentence(problem.detail), sentence(problem.mend)].join(' ') : null}
          value={name}
          onChange={(event) => setName(event.target.value)}
          mono
          autoComplete="off"
          spellCheck={false}
          maxLength={40}
          data-autofocus=""
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            variant="primary"
            pending={pending}
            disabled={name.trim() === '' || name.trim() === workspace.name}
          >
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
