// A new workspace, from a pasted address or from a snapshot.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Camera, ChevronRight } from 'lucide-react'
import { type FormEvent, useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import { answer, api } from '@/api/client'
import type { NewWorkspace } from '@/api/documents'
import { signInOptionsQuery } from '@/api/forges'
import { randomId } from '@/api/random-id'
import { teamsQuery } from '@/api/teams'
import { applyChange, workspacesQuery } from '@/api/workspaces'
import { AddressField } from '@/contexts/address-field'
import { isAskable, useContextOf } from '@/contexts/query'
import { Variables } from '@/contexts/variables'
import { ForgeProblem } from '@/integrations/forge-problem'
import { useWriteObstacle } from '@/live/connection'
import { isSameRepository, readAddress } from '@/repository/address'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { SelectField, TextField } from '@/ui/field'
import { Spinner } from '@/ui/spinner'
import { isLeaving } from '@/workspace/phase'
import { Existing } from './existing'
import { DEFAULT_OPTIONS, limitsOf, type Options } from './limits'
import { MoreOptions } from './more-options'

export function NewPage() {
  useTitle('New workspace')
  const search = useSearch({ from: '/signed-in/new' })
  // On a team's own host its team is meant.
  const { data: options } = useQuery(signInOptionsQuery)
  // Another address in the URL is another form.
  return (
    <NewForm
      key={`${search.url} ${search.ref} ${search.snapshot}`}
      url={search.url ?? ''}
      branch={search.ref ?? ''}
      snapshot={search.snapshot}
      team={search.team ?? options?.team ?? ''}
      startsItself={search.autostart === 'true' || search.autostart === '1'}
    />
  )
}

interface NewFormProps {
  url: string
  branch: string
  snapshot: string | undefined
  /** A team's name in addresses; empty for the person's default. */
  team: string
  /** Whether the link asked for a start without a click. */
  startsItself: boolean
}

function NewForm({ url, branch: wantedBranch, snapshot, team: wantedTeam, startsItself }: NewFormProps) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const obstacle = useWriteObstacle()
  const { data: workspaces = [], isPending: isListPending } = useQuery(workspacesQuery)
  const [typed, setTyped] = useState(url)
  const [branch, setBranch] = useState(wantedBranch)
  const [team, setTeam] = useState(wantedTeam)
  const [confirmed, setConfirmed] = useState<ReadonlySet<string>>(new Set())
  const [options, setOptions] = useState<Options>(DEFAULT_OPTIONS)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  // Sent again with a repeated request, so that one wish makes one workspace.
  const [intent, setIntent] = useState(randomId)

  const read = readAddress(typed)
  const { context, problem: refused, isAsking } = useContextOf(snapshot === undefined ? typed : '')
  const address = context?.clone_url ?? (read.kind === 'repository' ? read.url : null)
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

  const start = async () => {
    setPending(true)
    setProblem(null)
    try {
      const origin: NewWorkspace =
        snapshot === undefined
          ? {
              url: typed.trim(),
              ref: branch.trim() || null,
              confirmed_variables: [...confirmed],
              ...(options.environment === 'image' ? { rootfs: options.image.trim() } : {}),
            }
          : { snapshot }
      const body = {
        ...origin,
        name: options.name.trim() || null,
        ...(team === '' ? {} : { team }),
        ...limitsOf(options),
      }
      const workspace = await answer(api.POST('/api/v1/workspaces', { body, headers: { 'Idempotency-Key': intent } }))
      applyChange(client, { id: workspace.id, workspace })
      // What started by itself would do so again when one goes back.
      await navigate({ to: '/w/$id', params: { id: workspace.id }, replace: startsItself })
    } catch (error) {
      // What comes next is another wish, even if it looks the same.
      setIntent(randomId())
      setProblem(error)
      setPending(false)
    }
  }

  // Once, and only where nothing is left to be decided.
  const hasVariables = (context?.options.variables.length ?? 0) > 0
  const isOwed = useRef(startsItself)
  const isClear = context !== undefined && !isListPending && !found && !hasVariables && obstacle === null
  const startItself = useEffectEvent(() => void start())
  useEffect(() => {
    if (!isOwed.current || !isClear) return
    isOwed.current = false
    startItself()
  }, [isClear])

  const submit = (event: FormEvent) => {
    event.preventDefault()
    void start()
  }
  const ready = snapshot !== undefined || (isAskable(typed) && refused === null)
  return (
    <Page title="New workspace" className="max-w-170">
      <form className="grid gap-5" onSubmit={submit}>
        {snapshot === undefined ? (
          <Card className="grid gap-4 p-5">
            <AddressField
              typed={typed}
              read={read}
              context={context}
              problem={refused}
              isAsking={isAsking}
              onType={(text) => {
                setTyped(text)
                // Whoever changes the address starts it by hand.
                isOwed.current = false
                setConfirmed(new Set())
                setProblem(null)
              }}
            />
            <TextField
              label="Branch, tag or commit"
              hint={context?.ref && branch === '' ? 'Taken from the address.' : 'Empty for the default branch.'}
              placeholder={context?.ref ?? context?.default_branch ?? 'default branch'}
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
        {context ? <Variables options={context.options} confirmed={confirmed} onConfirm={setConfirmed} /> : null}
        {found ? <Existing workspaces={existing} /> : null}
        <TeamChoice team={team} onChoose={setTeam} />
        <MoreOptions options={options} onChange={setOptions} fixedFiles={snapshot !== undefined} />
        {problem === null ? null : <ForgeProblem thrown={problem} />}
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
          {startsItself && isAsking && !pending ? (
            <span role="status" className="flex items-center gap-2 text-sm text-muted">
              <Spinner className="size-3.5" />
              Starts by itself once the address is understood
            </span>
          ) : null}
        </div>
      </form>
    </Page>
  )
}

/** Which team it is for; not asked where there is no choice. */
function TeamChoice({ team, onChoose }: { team: string; onChoose: (team: string) => void }) {
  const { data } = useQuery(teamsQuery)
  const mine = data?.items.filter(({ role }) => role != null) ?? []
  if (mine.length < 2) return null
  return (
    <SelectField
      label="Team"
      hint="Its secrets and defaults apply, and its managers see the workspace."
      value={team}
      onChange={(event) => onChoose(event.target.value)}
    >
      <option value="">Your default team</option>
      {mine.map(({ id, slug, name }) => (
        <option key={id} value={slug}>
          {name}
        </option>
      ))}
    </SelectField>
  )
}
