// What a pasted address means, before anything is started.

import {
  CircleDot,
  File,
  Folder,
  FolderGit2,
  GitBranch,
  GitCommitHorizontal,
  GitFork,
  GitPullRequest,
  Lock,
  Tag,
  TriangleAlert,
} from 'lucide-react'
import type { ReactNode } from 'react'
import type { Context } from '@/api/documents'
import { sentence } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { Words } from '@/ui/words'
import { type Line, linesOf } from './words'

const ICONS: Record<Line['kind'], ReactNode> = {
  'merge-request': <GitPullRequest />,
  issue: <CircleDot />,
  ref: <GitBranch />,
  revision: <GitCommitHorizontal />,
  path: <Folder />,
  upstream: <GitFork />,
  empty: <FolderGit2 />,
}

export function ContextPreview({ context }: { context: Context }) {
  const { owner, repository, host, warnings } = context
  return (
    <div data-context="" className="grid gap-2.5">
      <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
        <FolderGit2 aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="font-medium break-all">{owner === '' ? repository : `${owner}/${repository}`}</span>
        <span className="text-muted">on {host}</span>
        {context.private ? (
          <span className="flex items-center gap-1 text-sm text-muted">
            <Lock aria-hidden className="size-3.5" />
            private
          </span>
        ) : null}
      </p>
      <ul className="grid gap-1.5">
        {linesOf(context).map((line) => (
          <li key={line.kind + line.name} className="flex min-w-0 items-start gap-2">
            <span aria-hidden className="mt-0.5 text-muted *:size-4">
              {iconOf(line)}
            </span>
            <span className="min-w-0 break-words">
              <span className="text-muted">{line.name}: </span>
              <span className="font-medium">{line.value}</span>
              {line.detail ? <span className="text-muted"> · {line.detail}</span> : null}
            </span>
          </li>
        ))}
      </ul>
      {warnings.map((warning) => (
        <p key={warning} className="flex items-start gap-2 text-busy">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          <span className="min-w-0">
            <Words text={sentence(warning)} />
          </span>
        </p>
      ))}
    </div>
  )
}

function iconOf({ kind, name }: Line): ReactNode {
  if (kind === 'ref' && name === 'Tag') return <Tag />
  if (kind === 'path' && name === 'File') return <File />
  return ICONS[kind]
}

export function PreviewSkeleton() {
  return (
    <div className="grid gap-2.5" role="status" aria-label="Asking what the address means">
      <Skeleton className="w-2/3" />
      <Skeleton className="w-1/2" />
    </div>
  )
}
