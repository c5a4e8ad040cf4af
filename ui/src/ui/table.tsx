// A plain table with our spacing.

import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { Card } from './card'
import { cn } from './class-names'

export function Table({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Card className="relative overflow-x-auto">
      <table aria-label={label} className="w-full border-collapse text-left">
        {children}
      </table>
    </Card>
  )
}

export function Row({ className, ...rest }: ComponentProps<'tr'>) {
  return (
    <tr
      className={cn('border-t border-line transition-colors first:border-t-0 hover:bg-ink/2.5', className)}
      {...rest}
    />
  )
}

export function Head({ className, ...rest }: ComponentProps<'th'>) {
  return (
    <th
      scope="col"
      className={cn('h-9.5 border-b border-line px-4 text-sm font-medium whitespace-nowrap text-muted', className)}
      {...rest}
    />
  )
}

export function Cell({ className, ...rest }: ComponentProps<'td'>) {
  return <td className={cn('px-4 py-2.5', className)} {...rest} />
}

export type Direction = 'ascending' | 'descending'

interface SortHeadProps {
  /** How the table is sorted by this column, if it is. */
  sorted: Direction | null
  onSort: () => void
  children: ReactNode
  className?: string
}

/** A column that can be sorted by. */
export function SortHead({ sorted, onSort, children, className }: SortHeadProps) {
  const Icon = sorted === 'ascending' ? ArrowUp : sorted === 'descending' ? ArrowDown : ChevronsUpDown
  return (
    <Head aria-sort={sorted ?? 'none'} className={className}>
      <button
        type="button"
        onClick={onSort}
        className={cn(
          '-mx-1.5 inline-flex h-7 items-center gap-1 rounded-sm px-1.5 hover:text-ink',
          sorted && 'text-ink',
        )}
      >
        {children}
        <Icon aria-hidden className={cn('size-3.5', sorted === null && 'opacity-50')} />
      </button>
    </Head>
  )
}
