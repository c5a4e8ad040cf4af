// A checkbox with words, and more words below them.

import type { ComponentProps, ReactNode } from 'react'
import { cn } from './class-names'

type CheckboxProps = Omit<ComponentProps<'input'>, 'type'> & { label: ReactNode; hint?: ReactNode }

export function Checkbox({ label, hint, className, disabled, ...input }: CheckboxProps) {
  return (
    <label
      className={cn(
        'flex items-start gap-3 rounded-md px-2 py-1.5',
        disabled ? 'cursor-not-allowed' : 'hover:bg-ink/4',
        className,
      )}
    >
      <input type="checkbox" className="mt-1 size-4 shrink-0 accent-accent" disabled={disabled} {...input} />
      <span className="min-w-0">
        <span className="font-medium">{label}</span>
        {hint ? <span className="block text-sm text-muted">{hint}</span> : null}
      </span>
    </label>
  )
}
