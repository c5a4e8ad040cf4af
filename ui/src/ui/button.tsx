// Buttons, and links that look like them.

import { cva, type VariantProps } from 'class-variance-authority'
import { Slot } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './class-names'
import { Spinner } from './spinner'

const button = cva(
  'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors duration-100 select-none disabled:cursor-not-allowed disabled:opacity-55 [&_svg]:shrink-0',
  {
    variants: {
      variant: {
        primary: 'bg-accent text-accent-ink shadow-card hover:bg-accent-hover disabled:hover:bg-accent',
        secondary: 'border border-line bg-surface shadow-card hover:border-line-strong/60 hover:bg-sunken',
        ghost: 'text-muted hover:bg-ink/6 hover:text-ink data-[state=open]:bg-ink/6 data-[state=open]:text-ink',
        danger: 'bg-bad text-canvas hover:opacity-90',
      },
      size: {
        sm: 'h-7 px-2.5 text-sm',
        md: 'h-8.5 px-3.5 text-base',
        lg: 'h-10 px-4.5 text-base',
        icon: 'size-8',
        'icon-sm': 'size-6.5',
      },
    },
    defaultVariants: { variant: 'secondary', size: 'md' },
  },
)

type ButtonProps = ComponentProps<'button'> &
  VariantProps<typeof button> & {
    /** Renders the only child with the looks of a button, for links. */
    asChild?: boolean
    /** Shows that the act is under way and takes no second click. */
    pending?: boolean
  }

export function Button({ className, variant, size, asChild, pending, disabled, children, ...rest }: ButtonProps) {
  const classes = cn(button({ variant, size }), className)
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    )
  }
  return (
    <button type="button" className={classes} disabled={disabled || pending} aria-busy={pending || undefined} {...rest}>
      {pending ? <Spinner className="size-3.5" /> : null}
      {children}
    </button>
  )
}
