// Grey shapes where content will be, so that nothing jumps when it comes.

import { cn } from './class-names'

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={cn('skeleton inline-block h-4', className)} />
}

/** A number of rows; announced once as loading. */
export function SkeletonRows({ rows, className }: { rows: number; className?: string }) {
  return (
    <div role="status" aria-label="Loading" className={cn('grid gap-px', className)}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex h-13 items-center gap-4 px-4">
          <Skeleton className="w-1/4" />
          <Skeleton className="w-20" />
          <Skeleton className="ml-auto w-16" />
        </div>
      ))}
    </div>
  )
}
