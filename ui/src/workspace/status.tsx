// The badge of a workspace: dot, word, and the reason beside it.

import type { Workspace } from '@/api/documents'
import { Badge } from '@/ui/badge'
import { cn } from '@/ui/class-names'
import { meaning, reason } from './phase'

interface StatusProps {
  workspace: Workspace
  /** Puts the reason below the badge instead of beside it. */
  stacked?: boolean
  className?: string
}

export function Status({ workspace, stacked, className }: StatusProps) {
  const { word, tone } = meaning(workspace.phase)
  const why = reason(workspace)?.replaceAll('`', '')
  return (
    <span
      className={cn('inline-flex min-w-0 items-center gap-2', stacked && 'flex-col items-start gap-0.5', className)}
    >
      <Badge tone={tone}>{word}</Badge>
      {why ? (
        <span className="max-w-full truncate text-sm text-muted" title={why}>
          {why}
        </span>
      ) : null}
    </span>
  )
}
