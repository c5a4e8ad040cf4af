// A new workspace, from a pasted address or from a snapshot.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Camera, ChevronRight, GitBranch } from 'lucide-react'
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react'
import { answer, api } from '@/api/client'
import type { NewWorkspace } from '@/api/documents'
import { randomId } from '@/api/random-id'
import { applyChange, workspacesQuery } from '@/api/workspaces'
import { useWriteObstacle } from '@/live/connection'
import { isSameRepository, type Pasted, readAddress } from '@/repository/address'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { Field, INPUT, TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { isLeaving } from '@/workspace/phase'
import { Existing } from './existing'
import { DEFAULT_OPTIONS, limitsOf, type Options } from './limits'
import { MoreOptions } from './more-options'

export function NewPage() {
  useTitle('New workspace')
  const search = useSearch({ from: '/signed-in/new' })
  // Another address in the URL is another form.
  return (
    <NewForm
      key={`${search.url} ${search.ref} ${search.snapshot}`}
      url={search.url ?? ''}
      branch={search.ref ?? ''}
      snapshot={search.snapshot}
    />
  )
}

interface NewFormProps {
  url: string
  branch: string
  snapshot: string | undefined
}

function NewForm({ url, branch: wantedBranch, snapshot }: NewFormProps) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const obstacle = useWriteObstacle()
  const { data: workspaces = [], isPending: isListPending } = useQuery(workspacesQuery)
  const [typed, setTyped] = useState(url)
  const [branch, setBranch] = useState(wantedBranch)
  const [options, setOptions] = useState<Options>(DEFAULT_OPTIONS)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  // Sent again with a repeated request, so that one wish makes one workspace.
  const [intent, setIntent] = useState(randomId)

  const read = readAddress(typed)
  const address = read.kind === 'repository' ? read.url : null
  const branchInAddress = read.kind === 'repository' ? read.ref : null
  const existing = useMemo(
    () =>
      address === null
        ? []
        : workspaces.filter(
            ({ source, phase }) => source != null && !isLeaving(phase) && isSameRepository(source.repository, address),
          ),
    [workspaces, address],
  )
  // With an address from a link, Enter is all that is left to do: it opens what there is, else it starts.
  const found = existing.length > 0
  useEffect(() => {
    if (url === '' || isListPending) return
    const open = found ? document.querySelector<HTMLElement>('[data-existing] a') : null
    ;(open ?? button.current)?.focus()
  }, [url, isListPending, found])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (snapshot === undefined && address === null) return
    setPending(true)
    setProblem(null)
    try {
      const origin: NewWorkspace =
        snapshot === undefined
          ? {
              url: address,
              ref: branch.trim() || branchInAddress,
              ...(options.environment === 'image' ? { rootfs: options.image.trim() } : {}),
            }
          : { snapshot }
      const body = { ...origin, name: options.name.trim() || null, ...limitsOf(options) }
      const workspace = await answer(api.POST('/api/v1/workspaces', { body, headers: { 'Idempotency-Key': intent } }))
      applyChange(client, { id: workspace.id, workspace })
      await navigate({ to: '/w/$id', params: { id: workspace.id } })
    } catch (error) {
      // What comes next is another wish, even if it looks the same.
      setIntent(randomId())
      setProblem(error)
      setPending(false)
    }
  }

  const ready = snapshot !== undefined || address !== null
  return (
    <Page title="New workspace" className="max-w-170">
      <form className="grid gap-5" onSubmit={(event) => void submit(event)}>
        {snapshot === undefined ? (
          <Card className="grid gap-4 p-5">
            <AddressField typed={typed} read={read} onType={setTyped} />
            <TextField
              label="Branch, tag or commit"
              hint={branchInAddress && branch === '' ? 'Taken from the address.' : 'Empty for the default branch.'}
              placeholder={branchInAddress ?? 'default branch'}
              value={branch}
              onChange={(event) => setBranch(event.target.value)}
              spellCheck={false}
              autoComplete="off"
              mono
            />
          </Card>
        ) : (
          <Card className="flex items-center gap-3 p-5">
            <Camera aria-hidden className="size-5 text-muted" />
            <div>
              <p className="font-medium">From a snapshot</p>
              <p className="font-mono text-sm text-muted">{snapshot}</p>
            </div>
          </Card>
        )}
        {found ? <Existing workspaces={existing} /> : null}
        <MoreOptions options={options} onChange={setOptions} fixedFiles={snapshot !== undefined} />
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <div className="flex flex-wrap items-center gap-4">
          <Button
            ref={button}
            type="submit"
            size="lg"
            variant={found ? 'secondary' : 'primary'}
            pending={pending}
            disabled={!ready || obstacle !== null}
          >
            {found ? 'Start another one' : 'Start the workspace'}
            <ChevronRight aria-hidden className="-mr-1 size-4" />
          </Button>
          {obstacle ? <span className="text-sm text-muted">{obstacle}</span> : null}
        </div>
      </form>
    </Page>
  )
}

interface AddressFieldProps {
  typed: string
  read: Pasted
  onType: (text: string) => void
}

function AddressField({ typed, read, onType }: AddressFieldProps) {
  const [left, setLeft] = useState(typed !== '')
  const error = left && read.kind === 'unusable' ? read.why : null
  return (
    <>
      <Field
        label="Repository"
        hint={
          read.kind === 'repository' ? (
            <span className="flex items-center gap-1.5">
              <GitBranch aria-hidden className="size-3.5" />
              <span>
                <span className="font-medium text-ink">{read.name}</span> on {read.host}
              </span>
            </span>
          ) : (
            'The address of a repository, or of any of its pages.'
          )
        }
        error={error}
      >
        {(wiring) => (
          <>
            <input
              {...wiring}
              className={cn(INPUT, 'h-11 font-mono text-sm')}
              placeholder="https://gitlab.com/group/project"
              value={typed}
              onChange={(event) => onType(event.target.value)}
              onBlur={() => setLeft(true)}
              onPaste={() => setLeft(true)}
              spellCheck={false}
              autoComplete="off"
              inputMode="url"
              autoFocus={typed === ''}
            />
          </>
        )}
      </Field>
      {read.kind === 'unusable' && read.instead ? (
        <Button size="sm" className="-mt-2 justify-self-start" onClick={() => onType(read.instead ?? typed)}>
          Use {read.instead}
        </Button>
      ) : null}
    </>
  )
}
