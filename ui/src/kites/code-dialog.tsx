// A one-time code: a machine exchanges it for a kite key, so that nobody types a password there.

import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { CreatedKiteCode } from '@/api/documents'
import { useSecondNow } from '@/time/clock'
import { countdown } from '@/time/format'
import { Button } from '@/ui/button'
import { CopyLine } from '@/ui/copy'
import { Dialog } from '@/ui/dialog'
import { Notice, ProblemNotice } from '@/ui/notice'
import { TeamField } from './team-field'

export function CodeDialog({ onClose }: { onClose: () => void }) {
  const [team, setTeam] = useState('')
  const [created, setCreated] = useState<CreatedKiteCode | null>(null)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const create = async (event?: FormEvent) => {
    event?.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      setCreated(await answer(api.POST('/api/v1/kite-codes', { body: team === '' ? {} : { team } })))
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
  }
  if (created !== null) {
    return (
      <Dialog
        title="One-time code"
        description="A machine exchanges it for a kite key, once."
        onClose={onClose}
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <Code code={created} pending={pending} onAnother={() => void create()} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title="One-time code"
      description="For a new machine: its program exchanges the code for a kite key, so that nobody has to carry a file."
      onClose={onClose}
    >
      <form className="grid gap-4" onSubmit={(event) => void create(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TeamField value={team} onChange={setTeam} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={pending} data-autofocus="">
            Create the code
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

interface CodeProps {
  code: CreatedKiteCode
  pending: boolean
  onAnother: () => void
}

function Code({ code, pending, onAnother }: CodeProps) {
  const left = Date.parse(code.expires_at) - useSecondNow()
  if (left <= 0) {
    return (
      <Notice
        kind="note"
        role="status"
        title="This code has ended."
        actions={
          <Button size="sm" pending={pending} onClick={onAnother}>
            Another one
          </Button>
        }
      >
        Nothing can be exchanged for it any more.
      </Notice>
    )
  }
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div className="grid gap-1.5">
        <div className="flex items-baseline justify-between gap-3">
          <p className="text-sm font-medium">Code</p>
          <p role="timer" aria-label="Time left" className="text-sm text-muted tabular-nums">
            ends in {countdown(left)}
          </p>
        </div>
        <CopyLine text={code.code} label="Copy the code" />
        <p className="text-sm text-muted">Works once, and is shown only here.</p>
      </div>
      <div className="grid gap-1.5">
        <p className="text-sm font-medium">Registry</p>
        <CopyLine text={code.registry} label="Copy the address of the registry" />
      </div>
      <div className="grid gap-1.5">
        <p className="text-sm font-medium">Exchanged by the method registerMachine with</p>
        <CopyLine
          text={JSON.stringify({ authType: 'token', token: code.code })}
          label="Copy the arguments of registerMachine"
        />
      </div>
    </div>
  )
}
