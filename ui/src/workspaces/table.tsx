// The table of workspaces.

import { Link } from '@tanstack/react-router'
import { GitBranch, Play, Square } from 'lucide-react'
import type { Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { repositoryName } from '@/repository/address'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Moment } from '@/ui/moment'
import { Cell, Head, Row, SortHead, Table } from '@/ui/table'
import { Tooltip } from '@/ui/tooltip'
import { useWorkspaceActs } from '@/workspace/acts'
import { WorkspaceMenu } from '@/workspace/menu'
import { isLeaving } from '@/workspace/phase'
import { Status } from '@/workspace/status'
import type { Selection, SortKey } from './selection'

interface WorkspaceTableProps {
  workspaces: Workspace[]
  selection: Selection
  showOwner: boolean
  onSort: (key: SortKey) => void
  onClear: () => void
}

export function WorkspaceTable({ workspaces, selection, showOwner, onSort, onClear }: WorkspaceTableProps) {
  const sorted = (key: SortKey) => (selection.sort === key ? selection.direction : null)
  return (
    <Table label="Workspaces">
      <thead>
        <tr>
          <SortHead sorted={sorted('name')} onSort={() => onSort('name')}>
            Name
          </SortHead>
          <SortHead sorted={sorted('state')} onSort={() => onSort('state')} className="max-sm:px-1">
            State
          </SortHead>
          {showOwner ? <Head className="max-lg:hidden">Owner</Head> : null}
          <SortHead sorted={sorted('activity')} onSort={() => onSort('activity')} className="max-md:hidden">
            Last active
          </SortHead>
          <SortHead sorted={sorted('created')} onSort={() => onSort('created')} className="max-lg:hidden">
            Created
          </SortHead>
          <Head className="w-0">
            <span className="sr-only">Actions</span>
          </Head>
        </tr>
      </thead>
      <tbody>
        {workspaces.map((workspace) => (
          <WorkspaceRow key={workspace.id} workspace={workspace} showOwner={showOwner} />
        ))}
        {workspaces.length === 0 ? (
          <tr>
            <td colSpan={showOwner ? 6 : 5} className="px-4 py-12 text-center text-muted">
              No workspace matches.{' '}
              <button
                type="button"
                className="min-h-6 font-medium text-accent-text underline underline-offset-2"
                onClick={onClear}
              >
                Show all
              </button>
            </td>
          </tr>
        ) : null}
      </tbody>
    </Table>
  )
}

function WorkspaceRow({ workspace, showOwner }: { workspace: Workspace; showOwner: boolean }) {
  const { source } = workspace
  return (
    <Row className={cn('relative', isLeaving(workspace.phase) && 'opacity-60')}>
      <Cell className="w-[38%] max-w-0 min-w-36 sm:min-w-48">
        {/* The link covers the row, so the whole row can be clicked; what is above it has its own place. */}
        <Link
          to="/w/$id"
          params={{ id: workspace.id }}
          className="block truncate font-semibold before:absolute before:inset-0 before:content-['']"
        >
          {workspace.name}
        </Link>
        <span className="flex min-w-0 items-center gap-1.5 text-sm text-muted">
          {source ? (
            <>
              <span className="truncate">{repositoryName(source.repository)}</span>
              {source.ref ? (
                <span className="flex min-w-0 items-center gap-1">
                  <GitBranch aria-hidden className="size-3.5 shrink-0" />
                  <span className="truncate">{source.ref}</span>
                </span>
              ) : null}
            </>
          ) : (
            <span>No repository</span>
          )}
        </span>
      </Cell>
      <Cell className="max-w-64 max-sm:max-w-32 max-sm:px-1">
        <Status workspace={workspace} stacked className="max-w-full" />
      </Cell>
      {showOwner ? <Cell className="text-muted max-lg:hidden">{workspace.owner.name}</Cell> : null}
      <Cell className="text-muted whitespace-nowrap max-md:hidden">
        <Moment at={workspace.last_activity_at} />
      </Cell>
      <Cell className="text-muted whitespace-nowrap max-lg:hidden">
        <Moment at={workspace.created_at} />
      </Cell>
      <Cell className="relative py-0">
        <span className="flex items-center justify-end gap-0.5">
          <span className="max-sm:hidden">
            <MainAct workspace={workspace} />
          </span>
          <WorkspaceMenu workspace={workspace} />
        </span>
      </Cell>
    </Row>
  )
}

/** The one thing one most likely wants to do: stop what runs, start what rests. */
function MainAct({ workspace }: { workspace: Workspace }) {
  const { start, stop } = useWorkspaceActs()
  const obstacle = useWriteObstacle()
  const { phase, name } = workspace
  if (phase === 'stopped' || phase === 'failed') {
    const words = phase === 'failed' ? `Try ${name} again` : `Start ${name}`
    return (
      <Tooltip words={words}>
        <Button
          variant="ghost"
          size="icon"
          aria-label={words}
          disabled={obstacle !== null}
          onClick={() => start(workspace)}
        >
          <Play className="size-4" />
        </Button>
      </Tooltip>
    )
  }
  if (phase !== 'running') return null
  return (
    <Tooltip words={`Stop ${name}`}>
      <Button
        variant="ghost"
        size="icon"
        aria-label={`Stop ${name}`}
        disabled={obstacle !== null}
        onClick={() => stop(workspace)}
      >
        <Square className="size-3.5" />
      </Button>
    </Tooltip>
  )
}
