// The box above a list that narrows it down. `/` leads to it from anywhere on the page.

import { Search } from 'lucide-react'
import { cn } from './class-names'
import { INPUT } from './field'

interface FilterFieldProps {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
}

export function FilterField({ label, placeholder, value, onChange }: FilterFieldProps) {
  return (
    <div className="relative w-full max-w-72">
      <Search aria-hidden className="absolute top-2.5 left-2.5 size-4 text-muted" />
      <input
        data-filter=""
        type="search"
        aria-label={label}
        placeholder={placeholder}
        className={cn(INPUT, 'h-9 pl-8.5')}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  )
}
