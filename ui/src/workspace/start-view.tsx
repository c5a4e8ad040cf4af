// The page of a start: its steps with their times, the live log beside them, and, should it fail,
// what failed, why, and the mend.

import { RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Failure, Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { LogPane } from '@/log/pane'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { CopyButton } from '@/ui/copy'
import { sentence } from '@/ui/notice'
import { Words } from '@/ui/words'
import { useWorkspaceActs } from './acts'
import { DeleteDialog } from './delete-dialog'
import { Steps, Ticking } from './steps'

export function StartView({ workspace }: { workspace: Workspace }) {
  const begun = workspace.steps.find((step) => step.started_at != null)?.started_at
  const { failure } = workspace
  return (
    <div className="grid min-h-0 flex-1 gap-4 lg:grid-cols-[23rem_minmax(0,1fr)]">
      <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] content-start gap-4">
        {workspace.phase === 'failed' && failure ? <FailureCard workspace={workspace} failure={failure} /> : null}
        <Card className="p-5">
          <div className="mb-5 flex items-baseline justify-between">
            <h2 className="text-lg font-semibold tracking-tight">
              {workspace.phase === 'failed' ? 'How far it came' : 'Starting'}
            </h2>
            {begun && workspace.phase !== 'failed' ? <Ticking since={begun} className="text-muted" /> : null}
          </div>
          <Steps steps={workspace.steps} />
        </Card>
      </div>
      <LogPane workspace={workspace} className="min-h-80" />
    </div>
  )
}

function FailureCard({ workspace, failure }: { workspace: Workspace; failure: Failure }) {
  const [deleting, setDeleting] = useState(false)
  const obstacle = useWriteObstacle()
  const { start, remove } = useWorkspaceActs()
  const step = workspace.steps.find(({ name }) => name === failure.step)?.title ?? failure.step
  return (
    <div role="alert" className="rounded-lg border border-bad/35 bg-surface shadow-card">
      <div className="grid gap-1.5 rounded-t-[9px] bg-bad-soft p-5">
        <p className="text-sm font-medium text-bad">{step}: failed</p>
        <h2 className="text-lg leading-snug font-semibold tracking-tight break-words">
          <Words text={sentence(failure.reason)} />
        </h2>
      </div>
      <div className="grid gap-4 p-5">
        <div className="grid gap-0.5">
          <p className="text-sm text-muted">What to do</p>
          <p>
            <Words text={sentence(failure.mend)} />
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <Button variant="primary" disabled={obstacle !== null} onClick={() => start(workspace)}>
            <RotateCw aria-hidden className="size-4" />
            Retry
          </Button>
          <Button disabled={obstacle !== null} onClick={() => setDeleting(true)}>
            <Trash2 aria-hidden className="size-4" />
            Delete
          </Button>
          <CopyButton label="Copy a report" text={() => report(workspace, failure)} className="ml-auto">
            Copy report
          </CopyButton>
        </div>
      </div>
      {deleting ? (
        <DeleteDialog workspace={workspace} onConfirm={() => remove(workspace)} onClose={() => setDeleting(false)} />
      ) : null}
    </div>
  )
}

/** For a colleague or an issue: all that is needed to understand the failure, in plain text. */
function report(workspace: Workspace, failure: Failure): string {
  return [
    `workspace ${workspace.id} (${workspace.name}), start ${workspace.run}`,
    workspace.source
      ? `repository ${workspace.source.repository} ${workspace.source.ref ?? ''}`.trim()
      : 'no repository',
    `environment ${workspace.rootfs}`,
    `failed at ${failure.at} in step ${failure.step}: ${failure.reason}`,
    `mend: ${failure.mend}`,
    ...workspace.steps.map((step) => `step ${step.name}: ${step.state}${step.detail ? ` (${step.detail})` : ''}`),
  ].join('\n')
}
