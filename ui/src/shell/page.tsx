// The measure of an ordinary page: a title, and a column that is comfortable to read.

import type { ReactNode } from 'react'
import { cn } from '@/ui/class-names'

interface PageProps {
  title: ReactNode
  /** Above the title: the way back, for instance. */
  above?: ReactNode
  description?: ReactNode
  actions?: ReactNode
  children: ReactNode
  className?: string
}

export function Page({ title, above, description, actions, children, className }: PageProps) {
  return (
    <main id="main" className={cn('mx-auto w-full max-w-280 px-4 pt-8 pb-16 sm:px-6', className)}>
      <header className="mb-6 flex flex-wrap items-end justify-between gap-3">
        <div className="grid gap-1">
          {above}
          <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
          {description ? <p className="text-muted">{description}</p> : null}
        </div>
        {actions}
      </header>
      {children}
    </main>
  )
}

/** A page that stands alone in the middle, over the embers: sign-in, set-up, errors. */
export function LonePage({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <main id="main" className="hearth-glow grid min-h-dvh place-items-center px-4 py-12">
      <div className={cn('w-full max-w-95', className)}>{children}</div>
    </main>
  )
}
