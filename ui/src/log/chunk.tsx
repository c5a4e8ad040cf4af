// Up to two hundred lines of a log. Painted once; skipped by the browser while out of sight.

import { Fragment, memo } from 'react'
import type { Step } from '@/api/documents'
import { timeOfDay } from '@/time/format'
import { cn } from '@/ui/class-names'
import { StepTime } from '@/workspace/steps'
import type { Line } from './feed'

interface LogChunkProps {
  lines: readonly Line[]
  /** The step that the line before belongs to, so that a heading stands only where one begins. */
  stepBefore: string | null
  steps: Record<string, Step>
  linked: number | null
  wrap: boolean
  times: boolean
}

export const LogChunk = memo(function LogChunk({ lines, stepBefore, steps, linked, wrap, times }: LogChunkProps) {
  return (
    <div
      className={cn(
        '[contain-intrinsic-size:auto_100%_auto_4000px]',
        lines.length === 200 && '[content-visibility:auto]',
      )}
    >
      {lines.map((line, index) => {
        const before = index === 0 ? stepBefore : (lines[index - 1]?.step ?? null)
        const step = line.step != null && line.step !== before ? steps[line.step] : undefined
        return (
          <Fragment key={line.sequence}>
            {step ? (
              <div className="mt-3 mb-1 flex items-center gap-2 px-4 font-sans text-sm font-medium text-muted first:mt-0">
                {step.title}
                <StepTime step={step} className="font-normal" />
                <span aria-hidden className="h-px flex-1 bg-line" />
              </div>
            ) : null}
            <div
              id={`L${line.sequence}`}
              className={cn('group flex pr-4', linked === line.sequence ? 'bg-accent/15' : 'hover:bg-ink/4')}
            >
              <a
                href={`#L${line.sequence}`}
                tabIndex={-1}
                aria-label={`Link to line ${line.sequence}`}
                className="w-13 shrink-0 pr-3 text-right text-muted select-none group-hover:text-ink hover:underline"
              >
                {line.sequence}
              </a>
              {times ? <span className="mr-3 shrink-0 text-muted select-none">{timeOfDay(line.time)}</span> : null}
              <span className={cn('min-w-0', wrap ? 'break-words whitespace-pre-wrap' : 'whitespace-pre')}>
                {line.spans.length === 0 ? ' ' : null}
                {line.spans.map((span, at) =>
                  span.className === '' && span.color === undefined && span.background === undefined ? (
                    span.text
                  ) : (
                    // Colours beyond the sixteen are set through the CSS object model, which the policy allows.
                    <span
                      key={at}
                      className={span.className}
                      style={{ color: span.color, background: span.background }}
                    >
                      {span.text}
                    </span>
                  ),
                )}
              </span>
            </div>
          </Fragment>
        )
      })}
    </div>
  )
})
