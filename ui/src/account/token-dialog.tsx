// Makes an API token and shows it, once.

import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { CreatedToken, Scope } from '@/api/documents'
import { Button } from '@/ui/button'
import { CopyLine } from '@/ui/copy'
import { Dialog } from '@/ui/dialog'
import { SelectField, TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'

const SCOPES: { scope: Scope; title: string; hint: string }[] = [
  { scope: 'workspaces:read', title: 'See workspaces', hint: 'Their state and logs.' },
  { scope: 'workspaces:write', title: 'Manage workspaces', hint: 'Create, start, stop, fork and delete them.' },
  { scope: 'workspaces:enter', title: 'Enter workspaces', hint: 'Commands, terminals and files.' },
  { scope: 'all', title: 'Everything', hint: 'All you may do, except for passwords and tokens.' },
]

export function TokenDialog({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<CreatedToken | null>(null)
  if (created === null) return <TokenForm onCreated={setCreated} onClose={onClose} />
  return (
    <Dialog
      title={`Token ${created.name}`}
      description="Copy it now. It is shown only this once."
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="grid gap-4">
        <CopyLine text={created.token} label="Copy the token" />
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">Try it</p>
          <CopyLine
            text={`curl -H "Authorization: Bearer ${created.token}" ${location.origin}/api/v1/workspaces`}
            label="Copy the command"
          />
        </div>
      </div>
    </Dialog>
  )
}

function TokenForm({ onCreated, onClose }: { onCreated: (token: CreatedToken) => void; onClose: () => void }) {
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(
    new Set<Scope>(['workspaces:read', 'workspaces:write', 'workspaces:enter']),
  )
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const toggle = (scope: Scope) => {
    const next = new Set(scopes)
    if (!next.delete(scope)) next.add(scope)
    setScopes(next)
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    try {
      const expiry = days === '' ? {} : { expires_in_days: Number(days) }
      onCreated(
        await answer(api.POST('/api/v1/me/tokens', { body: { name: name.trim(), scopes: [...scopes], ...expiry } })),
      )
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <Dialog title="New API token" onClose={onClose}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TextField
          label="Name"
          hint="What will use it."
          placeholder="laptop"
          value={name}
          onChange={(event) => setName(event.target.value)}
          required
          data-autofocus=""
        />
        <fieldset className="grid gap-1">
          <legend className="mb-1.5 text-sm font-medium">Scopes</legend>
          {SCOPES.map(({ scope, title, hint }) => (
            <label key={scope} className="flex items-start gap-3 rounded-md px-2 py-1.5 hover:bg-ink/4">
              <input
                type="checkbox"
                className="mt-1 size-4 accent-accent"
                checked={scopes.has(scope)}
                onChange={() => toggle(scope)}
              />
              <span>
                <span className="font-medium">{title}</span>
                <span className="block text-sm text-muted">{hint}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <SelectField label="Expires" value={days} onChange={(event) => setDays(event.target.value)}>
          <option value="7">in 7 days</option>
          <option value="30">in 30 days</option>
          <option value="90">in 90 days</option>
          <option value="365">in a year</option>
          <option value="">never</option>
        </SelectField>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={pending} disabled={name.trim() === '' || scopes.size === 0}>
            Create the token
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
