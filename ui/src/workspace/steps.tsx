// The named steps of a start, with the time each took or takes.

import { Check, Minus, X } from 'lucide-react'
import type { Step } from '@/api/documents'
import { useStopwatchNow } from '@/time/clock'
import { elapsed, took } from '@/time/format'
import { cn } from '@/ui/class-names'
import { Spinner } from '@/ui/spinner'

const WORDS: Record<Step['state'], string> = {
  pending: 'to do',
  running: 'under way',
  done: 'done',
  skipped: 'not needed',
  failed: 'failed',
}

export function Steps({ steps }: { steps: Step[] }) {
  return (
    <ol className="grid" aria-label="Steps of the start">
      {steps.map((step, index) => (
        <li key={step.name} className="relative grid grid-cols-[1.5rem_minmax(0,1fr)_auto] gap-x-3 pb-5 last:pb-0">
          {index < steps.length - 1 ? (
            <span
              aria-hidden
              className={cn(
                'absolute top-7 bottom-1 left-[0.71875rem] w-px',
                step.state === 'done' || step.state === 'skipped' ? 'bg-ok/40' : 'bg-line',
              )}
            />
          ) : null}
          <StepMark state={step.state} />
          <div className="min-w-0 pt-px">
            <p
              className={cn(
                'font-medium',
                (step.state === 'pending' || step.state === 'skipped') && 'font-normal text-muted',
                step.state === 'failed' && 'text-bad',
              )}
            >
              {step.title}
              <span className="sr-only">, {WORDS[step.state]}</span>
            </p>
            {step.detail ? (
              <p className="truncate text-sm text-muted tabular-nums" title={step.detail}>
                {step.detail}
              </p>
            ) : null}
          </div>
          <StepTime step={step} className="pt-px text-sm text-muted" />
        </li>
      ))}
    </ol>
  )
}

function StepMark({ state }: { state: Step['state'] }) {
  const looks: Record<Step['state'], string> = {
    pending: 'border border-line-strong/60 text-transparent',
    running: 'bg-accent-soft text-accent-text',
    done: 'bg-ok-soft text-ok',
    skipped: 'bg-idle-soft text-idle',
    failed: 'bg-bad-soft text-bad',
  }
  return (
    <span
      aria-hidden
      className={cn('grid size-6 place-items-center rounded-full *:size-3.5 *:stroke-[2.5]', looks[state])}
    >
      {state === 'done' ? <Check /> : null}
      {state === 'running' ? <Spinner /> : null}
      {state === 'skipped' ? <Minus /> : null}
      {state === 'failed' ? <X /> : null}
    </span>
  )
}

/** How long a step took, or how long it has been running, ticking. */
export function StepTime({ step, className }: { step: Step; className?: string }) {
  if (step.started_at == null) return null
  if (step.state === 'running') return <Ticking since={step.started_at} {...(className ? { className } : {})} />
  if (step.finished_at == null) return null
  return (
    <span className={cn('tabular-nums', className)}>
      {took(Date.parse(step.finished_at) - Date.parse(step.started_at))}
    </span>
  )
}

/** A stopwatch. Not announced: a screen reader would read nothing else. */
export function Ticking({ since, className }: { since: string; className?: string }) {
  const now = useStopwatchNow()
  return <span className={cn('tabular-nums', className)}>{elapsed(now - Date.parse(since))}</span>
}
