// The three steps of registering a forge. Each has an address, so one can come back to it.

import { Link } from '@tanstack/react-router'
import { Check, ChevronLeft } from 'lucide-react'
import type { ReactNode } from 'react'
import { Page } from '@/shell/page'
import { cn } from '@/ui/class-names'

/** The steps of one forge differ in their query only. */
const STEP = { exact: true, includeSearch: true }
const TITLES = ['Address', 'Application', 'Test']

interface WizardFrameProps {
  /** From 0. */
  step: number
  list: string
  /** Addresses of the steps that can be gone to already. */
  places?: (string | null)[]
  children: ReactNode
}

export function WizardFrame({ step, list, places, children }: WizardFrameProps) {
  return (
    <Page title="Register a forge" above={<BackLink to={list}>Forges</BackLink>} className="max-w-190">
      <nav aria-label="Steps" className="mb-6">
        <ol className="flex flex-wrap gap-x-6 gap-y-2">
          {TITLES.map((title, index) => {
            const place = places?.[index]
            const looks = cn(
              'flex items-center gap-2 font-medium',
              index === step ? 'text-ink' : 'text-muted',
              place && 'hover:text-ink',
            )
            const words = (
              <>
                <span
                  className={cn(
                    'grid size-6 place-items-center rounded-full border text-sm',
                    index === step && 'border-accent bg-accent text-accent-ink',
                    index < step && 'border-ok bg-ok-soft text-ok',
                    index > step && 'border-line-strong/60',
                  )}
                >
                  {index < step ? <Check aria-label="Done" className="size-3.5" /> : index + 1}
                </span>
                {title}
              </>
            )
            return (
              <li key={title} aria-current={index === step ? 'step' : undefined}>
                {place && index !== step ? (
                  <Link to={place} activeOptions={STEP} className={looks}>
                    {words}
                  </Link>
                ) : (
                  <span className={looks}>{words}</span>
                )}
              </li>
            )
          })}
        </ol>
      </nav>
      {children}
    </Page>
  )
}

export function BackLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link
      to={to}
      activeOptions={STEP}
      className="-ml-1 inline-flex min-h-6 items-center gap-1 self-start text-muted hover:text-ink"
    >
      <ChevronLeft aria-hidden className="size-4" />
      {children}
    </Link>
  )
}
