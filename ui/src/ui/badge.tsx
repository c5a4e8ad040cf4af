// State in a dot and a word; never by colour alone.

import type { ReactNode } from 'react'
import { cn } from './class-names'

export type BadgeTone = 'running' | 'busy' | 'failed' | 'stopped' | 'plain'

const TONES: Record<BadgeTone, { box: string; dot: string }> = {
  running: { box: 'bg-ok-soft text-ok', dot: 'bg-ok' },
  busy: { box: 'bg-busy-soft text-busy', dot: 'bg-busy animate-breathe' },
  failed: { box: 'bg-bad-soft text-bad', dot: 'bg-bad' },
  stopped: { box: 'bg-idle-soft text-idle', dot: 'border-[1.5px] border-current bg-transparent' },
  plain: { box: 'bg-idle-soft text-idle', dot: 'hidden' },
}

export function Badge({ tone, children, className }: { tone: BadgeTone; children: ReactNode; className?: string }) {
  return (
    <span
      className={cn(
        'inline-flex h-6 shrink-0 items-center gap-1.5 rounded-full px-2.5 text-sm font-medium whitespace-nowrap',
        TONES[tone].box,
        className,
      )}
    >
      <span aria-hidden className={cn('size-2 rounded-full', TONES[tone].dot)} />
      {children}
    </span>
  )
}
