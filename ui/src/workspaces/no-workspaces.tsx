// The list before there is anything in it: the field that makes the first one.

import { useNavigate } from '@tanstack/react-router'
import { ArrowRight, Flame } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { readAddress } from '@/repository/address'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { CopyLine } from '@/ui/copy'
import { INPUT } from '@/ui/field'

export function NoWorkspaces() {
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const read = readAddress(typed)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    void navigate({ to: '/new', search: typed.trim() === '' ? {} : { url: typed.trim() } })
  }
  return (
    <Card className="hearth-glow grid gap-10 overflow-hidden px-6 py-16 sm:px-12">
      <div className="mx-auto grid w-full max-w-xl justify-items-center gap-6 text-center">
        <span aria-hidden className="grid size-12 place-items-center rounded-full bg-accent-soft text-accent-text">
          <Flame className="size-6" />
        </span>
        <div className="grid gap-1.5">
          <h2 className="text-xl font-semibold tracking-tight">Start with a repository</h2>
          <p className="text-muted">Paste its address. A moment later you type in an isolated clone of it.</p>
        </div>
        <form className="flex w-full gap-2 max-sm:flex-col" onSubmit={submit}>
          <input
            aria-label="Address of a repository"
            placeholder="https://gitlab.com/group/project"
            className={cn(INPUT, 'h-10 font-mono text-sm')}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            spellCheck={false}
            autoComplete="off"
          />
          <Button type="submit" variant="primary" size="lg" disabled={read.kind === 'empty'}>
            Continue
            <ArrowRight aria-hidden className="size-4" />
          </Button>
        </form>
      </div>
      <div className="mx-auto grid w-full max-w-xl gap-2 text-left">
        <p className="text-sm text-muted">For a README, so that everybody can do it with one click:</p>
        <CopyLine
          label="Copy the Markdown"
          text={`[Open in Hearth](${location.origin}/#https://gitlab.com/group/project)`}
        />
      </div>
    </Card>
  )
}
