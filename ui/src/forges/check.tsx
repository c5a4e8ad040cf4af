// The live test: named steps with what was found, and what mends what failed.

import { queryOptions, useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, CircleDashed, RefreshCw, TriangleAlert } from 'lucide-react'
import { answer, api } from '@/api/client'
import type { Forge, ForgeCheck, ForgeCheckStep } from '@/api/documents'
import { took } from '@/time/format'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { CopyLine } from '@/ui/copy'
import { Notice, ProblemNotice, sentence } from '@/ui/notice'
import { Spinner } from '@/ui/spinner'
import { Words } from '@/ui/words'
import { useSaveForge } from './save'
import { OUTCOMES, STEPS, stepTitle } from './state'

/** Another state of the forge is another question, and needs another answer. */
const checkQuery = ({ id, updated_at }: Forge) =>
  queryOptions({
    queryKey: ['forge-check', id, updated_at],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    queryFn: () => answer(api.POST('/api/v1/forges/{id}/check', { params: { path: { id } } })),
  })

/** `isBegun`: run it at once; else it waits for the button. */
export function Check({ forge, isBegun }: { forge: Forge; isBegun: boolean }) {
  const check = useQuery({ ...checkQuery(forge), enabled: isBegun })
  const isRunning = check.isFetching
  return (
    <div className="grid gap-4">
      {check.isError && !isRunning ? <ProblemNotice thrown={check.error} /> : null}
      {isRunning ? <Running /> : null}
      {check.data && !isRunning ? <Found found={check.data} forge={forge} /> : null}
      <div>
        <Button pending={isRunning} onClick={() => void check.refetch()}>
          {isRunning ? null : <RefreshCw aria-hidden className="size-4" />}
          {check.data || check.isError || isRunning ? 'Test again' : 'Test the connection'}
        </Button>
      </div>
    </div>
  )
}

function Running() {
  return (
    <Card>
      <p role="status" className="flex items-center gap-2.5 px-5 py-3.5 font-medium">
        <Spinner className="text-busy" />
        Testing. This takes a few seconds.
      </p>
      <ul className="border-t border-line px-5 py-2 text-muted">
        {Object.entries(STEPS).map(([name, title]) => (
          <li key={name} className="flex items-center gap-2.5 py-1">
            <CircleDashed aria-hidden className="size-4" />
            {title}
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Found({ found, forge }: { found: ForgeCheck; forge: Forge }) {
  const failed = found.steps.filter(({ outcome }) => outcome === 'failed').length
  return (
    <>
      <Card>
        <p role="status" className="border-b border-line px-5 py-3.5 font-medium">
          {found.ok
            ? 'Everything that was tried went well'
            : failed === 1
              ? 'One step failed'
              : `${failed} steps failed`}
        </p>
        <ol className="divide-y divide-line">
          {found.steps.map((step) => (
            <Step key={step.name} step={step} />
          ))}
        </ol>
      </Card>
      <HostKeys found={found.host_keys} forge={forge} />
    </>
  )
}

const ICONS = {
  ok: <CircleCheck className="text-ok" />,
  failed: <CircleAlert className="text-bad" />,
  warning: <TriangleAlert className="text-busy" />,
}

function Step({ step: { name, outcome, detail, mend, took_ms } }: { step: ForgeCheckStep }) {
  const icon = outcome === 'ok' || outcome === 'failed' || outcome === 'warning' ? ICONS[outcome] : null
  return (
    <li className="flex items-start gap-3 px-5 py-3">
      <span className="mt-0.5 *:size-4.5">
        <span className="sr-only">{OUTCOMES[outcome] ?? outcome}: </span>
        {icon ?? <CircleDashed aria-hidden className="text-muted" />}
      </span>
      <div className="grid min-w-0 flex-1 gap-0.5">
        <p className="font-medium">
          {stepTitle(name)}
          {outcome === 'skipped' ? <span className="font-normal text-muted"> · skipped</span> : null}
        </p>
        <p className="text-sm break-words text-muted">
          <Words text={sentence(detail)} />
        </p>
        {mend ? (
          <p className="text-sm">
            <span className="font-medium">Mend: </span>
            <Words text={sentence(mend)} />
          </p>
        ) : null}
      </div>
      {outcome === 'skipped' ? null : <span className="text-sm text-muted tabular-nums">{took(took_ms)}</span>}
    </li>
  )
}

/** Host keys are believed only once somebody has compared and saved them. */
function HostKeys({ found, forge }: { found: string[]; forge: Forge }) {
  const { send, pending, problem } = useSaveForge(forge)
  const kept = forge.ssh?.host_keys ?? []
  if (found.length === 0 || (found.length === kept.length && found.every((key) => kept.includes(key)))) return null
  const confirm = () =>
    void send({
      ssh: {
        host: forge.ssh?.host ?? new URL(forge.web_url).hostname,
        port: forge.ssh?.port ?? 22,
        user: forge.ssh?.user ?? 'git',
        host_keys: found,
      },
    })
  return (
    <Notice
      kind="warn"
      title={kept.length === 0 ? 'Confirm the SSH host keys' : 'The SSH host keys are not the ones you confirmed'}
    >
      <div className="grid gap-2">
        <p>
          {kept.length === 0
            ? 'Compare them with what the forge’s administrator publishes. Workspaces trust these keys only.'
            : 'Somebody may stand between. Confirm them only if the forge’s administrator has changed them.'}
        </p>
        {found.map((key) => (
          <CopyLine key={key} text={key} label="Copy the host key" />
        ))}
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <div>
          <Button size="sm" pending={pending} onClick={confirm}>
            These are right
          </Button>
        </div>
      </div>
    </Notice>
  )
}
