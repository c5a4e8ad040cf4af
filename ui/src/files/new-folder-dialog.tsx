// Makes a folder.

import { type FormEvent, useState } from 'react'
import { fetchRaw } from '@/api/client'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { fileUrl, join } from './paths'

interface NewFolderDialogProps {
  workspace: string
  folder: string
  onMade: () => void
  onClose: () => void
}

export function NewFolderDialog({ workspace, folder, onMade, onClose }: NewFolderDialogProps) {
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    try {
      await fetchRaw(`${fileUrl(workspace, join(folder, name.trim()))}?kind=folder`, { method: 'PUT' })
      onMade()
      onClose()
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <Dialog title="New folder" description={<span className="font-mono text-sm">{folder}</span>} onClose={onClose}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TextField
          label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoComplete="off"
          spellCheck={false}
          mono
          data-autofocus=""
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={pending} disabled={name.trim() === ''}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
