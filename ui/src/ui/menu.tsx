// A menu behind a button. Not modal: a modal one would inject style sheets to lock scrolling.

import { DropdownMenu } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './class-names'

export const MenuTrigger = DropdownMenu.Trigger

export function Menu({ children }: { children: ReactNode }) {
  return <DropdownMenu.Root modal={false}>{children}</DropdownMenu.Root>
}

export function MenuContent({ className, ...rest }: ComponentProps<typeof DropdownMenu.Content>) {
  return (
    <DropdownMenu.Portal>
      <DropdownMenu.Content
        align="end"
        sideOffset={6}
        collisionPadding={8}
        className={cn(
          'z-40 min-w-48 animate-rise rounded-lg border border-line bg-surface p-1 text-base shadow-float outline-none',
          className,
        )}
        {...rest}
      />
    </DropdownMenu.Portal>
  )
}

const ITEM =
  'flex min-h-8 w-full items-center gap-2.5 rounded-md px-2.5 py-1 outline-none select-none data-disabled:opacity-50 data-highlighted:bg-ink/7 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-muted'

type ItemProps = ComponentProps<typeof DropdownMenu.Item> & { danger?: boolean; shortcut?: string }

export function MenuItem({ className, danger, shortcut, children, ...rest }: ItemProps) {
  return (
    <DropdownMenu.Item className={cn(ITEM, danger && 'text-bad [&_svg]:text-bad', className)} {...rest}>
      {children}
      {shortcut ? <span className="ml-auto pl-6 text-xs text-muted">{shortcut}</span> : null}
    </DropdownMenu.Item>
  )
}

/** Leads to another site, in another tab. */
export function MenuLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <DropdownMenu.Item asChild className={ITEM}>
      <a href={href} target="_blank" rel="noreferrer">
        {children}
      </a>
    </DropdownMenu.Item>
  )
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2.5 py-1.5 text-sm text-muted">{children}</DropdownMenu.Label>
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="-mx-1 my-1 h-px bg-line" />
}

type Choice = { value: string; label: string }

/** A group of which exactly one is chosen. */
export function MenuChoices({
  value,
  choices,
  onChoose,
}: {
  value: string
  choices: Choice[]
  onChoose: (value: string) => void
}) {
  return (
    <DropdownMenu.RadioGroup value={value} onValueChange={onChoose}>
      {choices.map((choice) => (
        <DropdownMenu.RadioItem
          key={choice.value}
          value={choice.value}
          className={cn(ITEM, 'pl-7')}
          onSelect={(event) => event.preventDefault()}
        >
          <DropdownMenu.ItemIndicator className="absolute left-4 size-1.5 rounded-full bg-accent" />
          {choice.label}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  )
}
