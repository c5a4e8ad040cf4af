// The end of a forge. The server refuses what would lock people out, until that is wanted as well.

import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Forge } from '@/api/documents'
import { integrationsQuery } from '@/api/forges'
import { ProblemError } from '@/api/problem'
import { Checkbox } from '@/ui/checkbox'
import { TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { tell } from '@/ui/toast'

interface DeleteForgeDialogProps {
  forge: Forge
  onClose: () => void
  onDeleted: () => void
}

export function DeleteForgeDialog({ forge, onClose, onDeleted }: DeleteForgeDialogProps) {
  const client = useQueryClient()
  const [typed, setTyped] = useState('')
  const [isRefused, setRefused] = useState(false)
  const [isForced, setForced] = useState(false)

  const remove = async () => {
    try {
      const query = isForced ? { force: true } : {}
      await answer(api.DELETE('/api/v1/forges/{id}', { params: { path: { id: forge.id }, query } }))
    } catch (error) {
      if (error instanceof ProblemError && error.status === 409) setRefused(true)
      throw error
    }
    tell(`${forge.name} deleted`)
    void client.invalidateQueries({ queryKey: ['forges'] })
    void client.invalidateQueries({ queryKey: integrationsQuery.queryKey })
    onDeleted()
  }
  return (
    <FormDialog
      title={`Delete ${forge.name}?`}
      verb="Delete for ever"
      danger
      disabled={typed.trim() !== forge.name || (isRefused && !isForced)}
      onSubmit={remove}
      onClose={onClose}
    >
      <p className="text-muted">
        {forge.links === 0
          ? 'Nobody has connected an account.'
          : `${forge.links === 1 ? 'One person’s connection ends' : `The connections of ${forge.links} people end`}, also in running workspaces, and access is revoked at the forge.`}
        {forge.sign_in ? ' Nobody can sign in with it any more.' : null}
      </p>
      {isRefused ? (
        <Checkbox
          label="Delete it all the same"
          hint="Those people cannot sign in until an administrator sets a password for them."
          checked={isForced}
          onChange={(event) => setForced(event.target.checked)}
        />
      ) : null}
      <TextField
        label={
          <>
            Type <span className="font-mono font-semibold">{forge.name}</span> to go on
          </>
        }
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        mono
        data-autofocus=""
      />
    </FormDialog>
  )
}
