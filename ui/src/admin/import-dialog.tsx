// Imports an image from an archive file.

import { useState } from 'react'
import { bytes } from '@/amount/bytes'
import { fetchRaw } from '@/api/client'
import { ProblemError } from '@/api/problem'
import { Field, TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { tell } from '@/ui/toast'

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null)
  const [name, setName] = useState('')

  const submit = async () => {
    if (file === null) throw new ProblemError({ code: 'no_file', detail: 'no archive was chosen', mend: 'choose one' })
    await fetchRaw(`/api/v1/images?${new URLSearchParams({ name: name.trim() })}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-tar' },
      body: file,
    })
    tell(`${name.trim()} imported`)
  }
  return (
    <FormDialog title="Import an archive" verb="Import" onSubmit={submit} onClose={onClose}>
      <Field label="Archive" hint={file ? bytes(file.size) : 'Made by docker save, or an OCI layout as a tar file.'}>
        {(wiring) => (
          <input
            {...wiring}
            type="file"
            accept=".tar,.tar.gz,.tgz,application/x-tar"
            className="text-sm file:mr-3 file:h-8.5 file:rounded-md file:border file:border-line file:bg-surface file:px-3 file:font-medium"
            onChange={(event) => {
              const chosen = event.target.files?.[0] ?? null
              setFile(chosen)
              if (chosen && name === '') setName(chosen.name.replace(/\.(tar|tgz|tar\.gz)$/, '').toLowerCase())
            }}
          />
        )}
      </Field>
      <TextField
        label="Name"
        hint="What workspaces ask for."
        placeholder="tools/build:2026"
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
        spellCheck={false}
        autoComplete="off"
        mono
      />
    </FormDialog>
  )
}
