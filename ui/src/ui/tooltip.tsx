// A few words about a control that shows only an icon, or about why it is disabled.

import { Tooltip as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

export const TooltipProvider = Radix.Provider

export function Tooltip({ words, children }: { words: ReactNode; children: ReactNode }) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-w-72 animate-rise rounded-md bg-ink px-2 py-1 text-xs text-canvas shadow-float"
        >
          {words}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
