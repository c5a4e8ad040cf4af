// Surfaces: a card, and a titled section of a settings page.

import type { ComponentProps, ReactNode } from 'react'
import { cn } from './class-names'

export function Card({ className, ...rest }: ComponentProps<'div'>) {
  return <div className={cn('rounded-lg border border-line bg-surface shadow-card', className)} {...rest} />
}

interface SectionProps {
  id?: string
  title: ReactNode
  description?: ReactNode
  actions?: ReactNode
  children: ReactNode
}

export function Section({ id, title, description, actions, children }: SectionProps) {
  return (
    <section id={id} aria-labelledby={id ? `${id}-title` : undefined} className="scroll-mt-20">
      <header className="mb-3 flex flex-wrap items-end justify-between gap-3">
        <div className="grid gap-0.5">
          <h2 id={id ? `${id}-title` : undefined} className="text-lg font-semibold tracking-tight">
            {title}
          </h2>
          {description ? <p className="max-w-prose text-muted">{description}</p> : null}
        </div>
        {actions}
      </header>
      {children}
    </section>
  )
}
