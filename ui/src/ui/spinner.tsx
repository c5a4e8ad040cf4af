// A quiet sign that something is under way. The words beside it say what.

import { LoaderCircle } from 'lucide-react'
import { cn } from './class-names'

export function Spinner({ className }: { className?: string }) {
  return <LoaderCircle aria-hidden className={cn('size-4 animate-spin-slow', className)} />
}
