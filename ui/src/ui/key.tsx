// A key of the keyboard.

import type { ReactNode } from 'react'
import { cn } from './class-names'

export const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent)

/** The key that goes with letters for commands, as this machine's keyboards name it. */
export const COMMAND_KEY = IS_MAC ? '⌘' : 'Ctrl'

export function Key({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <kbd
      className={cn(
        'inline-grid h-5 min-w-5 place-items-center rounded-sm border border-line bg-canvas px-1 font-sans text-xs text-muted',
        className,
      )}
    >
      {children}
    </kbd>
  )
}
