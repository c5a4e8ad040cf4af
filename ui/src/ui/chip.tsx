// Short words that belong together, each in a frame: scopes, for instance.

import { cn } from './class-names'

export function Chips({ label, words, className }: { label: string; words: string[]; className?: string }) {
  if (words.length === 0) return null
  return (
    <ul aria-label={label} className={cn('flex flex-wrap gap-1', className)}>
      {words.map((word) => (
        <li
          key={word}
          className="rounded-sm border border-line bg-sunken px-1.5 font-mono text-xs leading-5 break-all text-muted"
        >
          {word}
        </li>
      ))}
    </ul>
  )
}
