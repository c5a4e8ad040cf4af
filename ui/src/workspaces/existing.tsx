// The same repository has workspaces already: opening one is most likely what was meant.

import { Link } from '@tanstack/react-router'
import type { Workspace } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Moment } from '@/ui/moment'
import { Status } from '@/workspace/status'

const MOST = 4

export function Existing({ workspaces }: { workspaces: Workspace[] }) {
  const recent = workspaces
    .toSorted((one, other) => Date.parse(other.last_activity_at) - Date.parse(one.last_activity_at))
    .slice(0, MOST)
  return (
    <section data-existing aria-label="Existing workspaces of this repository">
      <Card className="overflow-hidden border-accent/40">
        <h2 className="border-b border-accent/25 bg-accent-soft px-5 py-2.5 text-base font-medium">
          You have {workspaces.length === 1 ? 'a workspace' : `${workspaces.length} workspaces`} of this repository
        </h2>
        <ul className="divide-y divide-line">
          {recent.map((workspace, index) => (
            <li key={workspace.id} className="flex min-h-14 flex-wrap items-center gap-x-4 gap-y-1 px-5 py-2">
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium">{workspace.name}</p>
                <p className="text-sm text-muted">
                  {workspace.source?.ref ? `${workspace.source.ref} · ` : ''}active{' '}
                  <Moment at={workspace.last_activity_at} />
                </p>
              </div>
              <Status workspace={workspace} className="max-w-48" />
              <Button asChild variant={index === 0 ? 'primary' : 'secondary'}>
                <Link to="/w/$id" params={{ id: workspace.id }} aria-label={`Open ${workspace.name}`}>
                  Open
                </Link>
              </Button>
            </li>
          ))}
        </ul>
      </Card>
    </section>
  )
}
