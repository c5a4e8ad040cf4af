// One of a few, all of them visible.

import { useId } from 'react'
import { cn } from './class-names'

interface ChoiceProps {
  label: string
  hint?: string
  value: string
  choices: { value: string; label: string }[]
  onChoose: (value: string) => void
}

/** A row of a settings card: what on the left, the choice on the right. */
export function Choice({ label, hint, value, choices, onChoose }: ChoiceProps) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 px-5 py-3.5">
      <div>
        <p className="font-medium">{label}</p>
        {hint ? <p className="text-sm text-muted">{hint}</p> : null}
      </div>
      <Segments label={label} value={value} choices={choices} onChoose={onChoose} />
    </div>
  )
}

/** Radio buttons in the shape of one divided button. */
export function Segments({ label, value, choices, onChoose }: Omit<ChoiceProps, 'hint'>) {
  const name = useId()
  return (
    <fieldset className="flex gap-0.5 rounded-md bg-ink/6 p-0.5">
      <legend className="sr-only">{label}</legend>
      {choices.map((choice) => (
        <label
          key={choice.value}
          className={cn(
            'rounded-sm px-2.5 py-1 text-sm font-medium transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent',
            choice.value === value ? 'bg-surface shadow-card dark:bg-ink/15' : 'text-muted hover:text-ink',
          )}
        >
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChoose(choice.value)}
            className="sr-only"
          />
          {choice.label}
        </label>
      ))}
    </fieldset>
  )
}
