// One workspace: the page of its start while it starts or has failed, a place to work once it runs.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FolderGit2, GitBranch, Play, Square, TriangleAlert, Users, X } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import type { Workspace } from '@/api/documents'
import { ProblemError } from '@/api/problem'
import { meQuery } from '@/api/session'
import { teamsQuery } from '@/api/teams'
import { workspaceQuery, workspacesQuery } from '@/api/workspaces'
import { useWriteObstacle } from '@/live/connection'
import { repositoryName, repositoryPage } from '@/repository/address'
import { ErrorPage, NotFoundPage } from '@/shell/error-page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { CopyButton } from '@/ui/copy'
import { sentence } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { Words } from '@/ui/words'
import { useWorkspaceActs } from './acts'
import { WorkspaceMenu } from './menu'
import { isClearing, isStarting, meaning } from './phase'
import { Resting } from './resting'
import { RunningView } from './running-view'
import { StartView } from './start-view'
import { Status } from './status'

export function WorkspacePage() {
  const { id } = useParams({ from: '/signed-in/w/$id' })
  const client = useQueryClient()
  const query = useQuery({
    ...workspaceQuery(id),
    // The list may have it already; it is read anew all the same.
    placeholderData: () => client.getQueryData(workspacesQuery.queryKey)?.find((workspace) => workspace.id === id),
  })
  if (query.data === null) return <Deleted />
  if (query.isError && query.data === undefined) {
    if (query.error instanceof ProblemError && query.error.status === 404) {
      return (
        <NotFoundPage title="No such workspace">
          There is no workspace with this address among those you may see. It may have been deleted.
        </NotFoundPage>
      )
    }
    return <ErrorPage error={query.error} />
  }
  if (query.data === undefined) return <Loading />
  return <Loaded key={id} workspace={query.data} />
}

function Loaded({ workspace }: { workspace: Workspace }) {
  const { word, tone } = meaning(workspace.phase)
  useTitle(workspace.phase === 'running' ? workspace.name : `${word}: ${workspace.name}`, tone)
  return (
    <main
      id="main"
      className="flex min-h-0 w-full flex-1 flex-col px-3 pt-4 pb-3 sm:px-5 lg:h-[calc(100dvh-3.25rem-var(--bar,0px))] lg:flex-none"
    >
      <Header workspace={workspace} />
      <Notices workspace={workspace} />
      <Body workspace={workspace} />
    </main>
  )
}

function Body({ workspace }: { workspace: Workspace }) {
  const { tab } = useSearch({ from: '/signed-in/w/$id' })
  const { data: me } = useQuery(meQuery)
  const { phase } = workspace
  // Everything can be read while it does not run, except for what only its agent knows.
  if (isStarting(phase) || isClearing(workspace) || (phase === 'failed' && (tab ?? 'log') === 'log'))
    return <StartView workspace={workspace} />
  if (phase === 'running') return <RunningView workspace={workspace} mine={me?.id === workspace.owner.id} />
  return <Resting workspace={workspace} />
}

function Header({ workspace }: { workspace: Workspace }) {
  const { source } = workspace
  const page = source ? repositoryPage(source.repository) : null
  return (
    <header className="mb-3.5 flex flex-wrap items-center gap-x-4 gap-y-2">
      <div className="min-w-0">
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="truncate text-xl font-semibold tracking-tight">{workspace.name}</h1>
          <Status workspace={{ ...workspace, failure: null }} className="max-w-xs" />
          {/* Announced by itself: with the progress beside the badge a screen reader would say nothing else. */}
          <span role="status" className="sr-only">
            {meaning(workspace.phase).word}
          </span>
        </div>
        {source?.title ? <p className="mt-0.5 font-medium break-words">{source.title}</p> : null}
        {source ? (
          <p className="mt-0.5 flex min-w-0 flex-wrap items-center gap-x-3 text-sm text-muted">
            <span className="flex min-w-0 items-center gap-1.5">
              <FolderGit2 aria-hidden className="size-3.5 shrink-0" />
              {page ? (
                <a href={page} target="_blank" rel="noreferrer" className="truncate hover:text-ink hover:underline">
                  {repositoryName(source.repository)}
                </a>
              ) : (
                repositoryName(source.repository)
              )}
              <CopyButton text={`git clone ${source.repository}`} label="Copy the clone command" />
            </span>
            {(source.local_branch ?? source.ref) ? (
              <span className="flex items-center gap-1.5">
                <GitBranch aria-hidden className="size-3.5" />
                {source.local_branch ?? source.ref}
              </span>
            ) : null}
            <TeamLink workspace={workspace} />
          </p>
        ) : null}
      </div>
      <div className="ml-auto flex items-center gap-1.5">
        <MainAct workspace={workspace} />
        <WorkspaceMenu workspace={workspace} />
      </div>
    </header>
  )
}

/** The team of everybody goes without saying. */
function TeamLink({ workspace: { team } }: { workspace: Workspace }) {
  const { data: teams } = useQuery(teamsQuery)
  const isTold = teams?.items.some(({ id, everybody }) => id === team.id && !everybody)
  if (!isTold) return null
  return (
    <Link
      to="/t/$team"
      params={{ team: team.slug }}
      className="flex items-center gap-1.5 hover:text-ink hover:underline"
    >
      <Users aria-hidden className="size-3.5" />
      {team.name}
    </Link>
  )
}

function MainAct({ workspace }: { workspace: Workspace }) {
  const { start, stop } = useWorkspaceActs()
  const obstacle = useWriteObstacle()
  const disabled = obstacle !== null
  if (workspace.phase === 'stopped') {
    return (
      <Button disabled={disabled} onClick={() => start(workspace)}>
        <Play aria-hidden className="size-4" />
        Start
      </Button>
    )
  }
  if (workspace.phase === 'running' || isStarting(workspace.phase)) {
    return (
      <Button disabled={disabled} onClick={() => stop(workspace)}>
        <Square aria-hidden className="size-3.5" />
        Stop
      </Button>
    )
  }
  return null
}

/** What the owner should know about this start, until it was read. */
function Notices({ workspace }: { workspace: Workspace }) {
  const [read, setRead] = useState<number | null>(null)
  if (workspace.notices.length === 0 || read === workspace.run) return null
  return (
    <div className="mb-3.5 flex items-start gap-3 rounded-lg border border-busy/30 bg-busy-soft py-2 pr-2 pl-3.5">
      <TriangleAlert aria-hidden className="mt-1 size-4 shrink-0 text-busy" />
      <ul className="min-w-0 flex-1 py-0.5">
        {workspace.notices.map((notice) => (
          <li key={notice}>
            <Words text={sentence(notice)} />
          </li>
        ))}
      </ul>
      <Button variant="ghost" size="icon-sm" aria-label="Dismiss the notices" onClick={() => setRead(workspace.run)}>
        <X className="size-3.5" />
      </Button>
    </div>
  )
}

function Deleted() {
  const client = useQueryClient()
  const navigate = useNavigate()
  // The list no longer has it; nothing is left to come back to.
  useEffect(() => {
    void client.invalidateQueries({ queryKey: workspacesQuery.queryKey })
  }, [client])
  return (
    <NotFoundPage title="This workspace was deleted">
      Its files are gone. <Inline onPress={() => void navigate({ to: '/new' })}>Start a new one</Inline> or go back to
      the others.
    </NotFoundPage>
  )
}

function Inline({ onPress, children }: { onPress: () => void; children: ReactNode }) {
  return (
    <button type="button" className="min-h-6 text-accent-text underline underline-offset-2" onClick={onPress}>
      {children}
    </button>
  )
}

function Loading() {
  return (
    <main id="main" className="w-full flex-1 px-3 pt-5 sm:px-5">
      <div role="status" aria-label="Loading" className="grid gap-3">
        <Skeleton className="h-6 w-56" />
        <Skeleton className="w-80" />
        <Skeleton className="mt-4 h-80 w-full rounded-lg" />
      </div>
    </main>
  )
}
