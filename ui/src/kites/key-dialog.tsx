// Makes a kite key and shows it, once.

import { Download } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { CreatedKiteKey } from '@/api/documents'
import { Button } from '@/ui/button'
import { CopyButton, CopyLine } from '@/ui/copy'
import { Dialog } from '@/ui/dialog'
import { SelectField, TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { save } from '@/ui/save'
import { TeamField } from './team-field'

export function KeyDialog({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<CreatedKiteKey | null>(null)
  if (created === null) return <KeyForm onCreated={setCreated} onClose={onClose} />
  return (
    <Dialog
      title={`Kite key ${created.name}`}
      description="Take it along now. It is shown only this once."
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <pre
          tabIndex={0}
          aria-label="The key"
          className="max-h-40 overflow-y-auto rounded-md border border-line bg-sunken px-3 py-2 text-sm break-all whitespace-pre-wrap"
        >
          {created.content}
        </pre>
        <div className="flex flex-wrap gap-2">
          <Button onClick={() => save('kite.key', created.content)} data-autofocus="">
            <Download aria-hidden className="size-4" />
            Download kite.key
          </Button>
          <CopyButton text={created.content} label="Copy the key" className="h-8.5 px-3.5 text-base">
            Copy
          </CopyButton>
        </div>
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">On the machine that registers</p>
          <CopyLine
            text="mkdir -p ~/.kite && mv kite.key ~/.kite/ && chmod 600 ~/.kite/kite.key"
            label="Copy the command"
          />
        </div>
      </div>
    </Dialog>
  )
}

function KeyForm({ onCreated, onClose }: { onCreated: (key: CreatedKiteKey) => void; onClose: () => void }) {
  const [name, setName] = useState('')
  const [team, setTeam] = useState('')
  const [days, setDays] = useState('')
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      const body = {
        name: name.trim(),
        ...(team === '' ? {} : { team }),
        ...(days === '' ? {} : { expires_in_days: Number(days) }),
      }
      onCreated(await answer(api.POST('/api/v1/kite-keys', { body })))
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <Dialog title="New kite key" onClose={onClose}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TextField
          label="Name"
          hint="What will use it."
          placeholder="build machine"
          value={name}
          onChange={(event) => setName(event.target.value)}
          required
          maxLength={100}
          data-autofocus=""
        />
        <TeamField value={team} onChange={setTeam} />
        <SelectField
          label="Expires"
          hint="Unless a kite is registered with it: that one is given the next key in time."
          value={days}
          onChange={(event) => setDays(event.target.value)}
        >
          <option value="">when the server’s settings say</option>
          <option value="7">in 7 days</option>
          <option value="30">in 30 days</option>
          <option value="90">in 90 days</option>
          <option value="365">in a year</option>
        </SelectField>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={pending} disabled={name.trim() === ''}>
            Create the key
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
