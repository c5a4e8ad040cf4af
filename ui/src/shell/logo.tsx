// The mark: a flame.

import { cn } from '@/ui/class-names'

export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden className={cn('size-6', className)}>
      <path
        className="fill-accent"
        d="M12.4 1.5c.5 4-1.400 6-3.500 8.500C6.800 12.400 4.600 14.900 4.600 16a7.400 7 0 0 0 7.500 6.700 7.300 7 0 0 0 7.300-7.200c0-3-1.400-5-2.600-6.700-.2 1.700-.9 2.900-2.100 3.600C15.300 7.300 14.200 4.500 12.400 1.500Z"
      />
      <path
        className="fill-canvas"
        d="M12 12.800c.3 1.900-.8 2.800-1.700 3.900a3.300 3.300 0 0 0-.8 2.100 2.700 2.700 0 0 0 5.300.1c0-2.200-1.700-3.700-2.800-6.100Z"
      />
    </svg>
  )
}
