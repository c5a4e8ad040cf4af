// A boxed message inside a page: a failure with its mend, a warning, a remark.

import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { asProblem } from '@/api/problem'
import { cn } from './class-names'
import { Words } from './words'

const LOOKS = {
  bad: { box: 'border-bad/30 bg-bad-soft', icon: <CircleAlert aria-hidden className="text-bad" /> },
  warn: { box: 'border-busy/30 bg-busy-soft', icon: <TriangleAlert aria-hidden className="text-busy" /> },
  note: { box: 'border-line bg-sunken', icon: <Info aria-hidden className="text-muted" /> },
}

interface NoticeProps {
  kind: keyof typeof LOOKS
  title?: ReactNode
  children?: ReactNode
  actions?: ReactNode
  className?: string
  role?: 'alert' | 'status'
}

export function Notice({ kind, title, children, actions, className, role }: NoticeProps) {
  return (
    <div role={role} className={cn('flex gap-3 rounded-lg border px-3.5 py-3 text-base', LOOKS[kind].box, className)}>
      <span className="mt-px *:size-4.5">{LOOKS[kind].icon}</span>
      <div className="min-w-0 flex-1">
        {title ? <p className="font-medium">{title}</p> : null}
        {children ? <div className={cn(title && 'mt-0.5 text-ink/85')}>{children}</div> : null}
      </div>
      {actions}
    </div>
  )
}

/** What went wrong and what to do about it. */
export function ProblemNotice({
  thrown,
  actions,
  className,
}: {
  thrown: unknown
  actions?: ReactNode
  className?: string
}) {
  const problem = asProblem(thrown)
  return (
    <Notice
      kind="bad"
      role="alert"
      title={<Words text={sentence(problem.detail || problem.title)} />}
      actions={actions}
      {...(className ? { className } : {})}
    >
      {problem.mend ? <Words text={sentence(problem.mend)} /> : null}
    </Notice>
  )
}

/** The server's texts begin in lower case and end without a full stop, to fit into logs. */
export function sentence(text: string): string {
  const trimmed = text.trim()
  const start = trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
  return /[.!?…]$/.test(start) || start === '' ? start : `${start}.`
}
