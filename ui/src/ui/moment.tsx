// A moment in words, with the exact time on hover.

import { useSlowNow } from '@/time/clock'
import { exact, relative } from '@/time/format'

export function Moment({ at, className }: { at: string | null | undefined; className?: string }) {
  const now = useSlowNow()
  if (at == null) return <span className={className}>never</span>
  return (
    <time dateTime={at} title={exact(at)} className={className}>
      {relative(at, now)}
    </time>
  )
}
