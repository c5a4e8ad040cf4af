// A labelled input with a hint and an error, tied together for screen readers.

import { Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId, useState } from 'react'
import { cn } from './class-names'

export const INPUT =
  'w-full rounded-md border border-line-strong/70 bg-surface px-3 text-base text-ink placeholder:text-muted/80 transition-colors hover:border-line-strong focus:border-accent focus:outline-2 focus:outline-offset-0 focus:outline-accent/35 aria-invalid:border-bad aria-invalid:outline-bad/30 disabled:opacity-60'

interface Described {
  label: ReactNode
  hint?: ReactNode
  error?: string | null | undefined
  /** Keeps the label for screen readers only. */
  labelHidden?: boolean
}

interface FieldProps extends Described {
  className?: string
  children: (wiring: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode
}

/** The frame around any control. */
export function Field({ label, hint, error, labelHidden, className, children }: FieldProps) {
  const id = useId()
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined
  return (
    <div className={cn('grid content-start gap-1.5', className)}>
      <label htmlFor={id} className={cn('text-sm font-medium', labelHidden && 'sr-only')}>
        {label}
      </label>
      {children({
        id,
        ...(described ? { 'aria-describedby': described } : {}),
        ...(error ? { 'aria-invalid': true as const } : {}),
      })}
      {error ? (
        <p id={`${id}-error`} className="text-sm text-bad">
          {error}
        </p>
      ) : hint ? (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  )
}

type TextFieldProps = Described & Omit<ComponentProps<'input'>, 'id'> & { mono?: boolean; frame?: string }

export function TextField({ label, hint, error, labelHidden, mono, frame, className, ...input }: TextFieldProps) {
  return (
    <Field {...{ label, hint, error, labelHidden }} {...(frame ? { className: frame } : {})}>
      {(wiring) => (
        <input {...wiring} {...input} className={cn(INPUT, 'h-9', mono && 'font-mono text-sm', className)} />
      )}
    </Field>
  )
}

/** A password that can be looked at before it is sent. */
export function PasswordField({ label, hint, error, ...input }: TextFieldProps) {
  const [shown, setShown] = useState(false)
  return (
    <Field {...{ label, hint, error }}>
      {(wiring) => (
        <div className="relative">
          <input
            {...wiring}
            {...input}
            type={shown ? 'text' : 'password'}
            className={cn(INPUT, 'h-9 pr-10', shown && 'font-mono text-sm')}
          />
          <button
            type="button"
            className="absolute inset-y-1 right-1 grid w-8 place-items-center rounded-sm text-muted hover:text-ink"
            aria-label={shown ? 'Hide the password' : 'Show the password'}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            {shown ? <EyeOff className="size-4" /> : <Eye className="size-4" />}
          </button>
        </div>
      )}
    </Field>
  )
}

type SelectFieldProps = Described & ComponentProps<'select'>

/** The browser's own select: accessible everywhere, and at home on a phone. */
export function SelectField({ label, hint, error, labelHidden, className, ...select }: SelectFieldProps) {
  return (
    <Field {...{ label, hint, error, labelHidden }}>
      {(wiring) => <select {...wiring} {...select} className={cn(INPUT, 'h-9 pr-8', className)} />}
    </Field>
  )
}

type TextAreaProps = Described & ComponentProps<'textarea'>

/** Several lines of text to be pasted: certificates, for instance. */
export function TextArea({ label, hint, error, labelHidden, className, ...area }: TextAreaProps) {
  return (
    <Field {...{ label, hint, error, labelHidden }}>
      {(wiring) => (
        <textarea
          rows={3}
          spellCheck={false}
          autoComplete="off"
          {...wiring}
          {...area}
          className={cn(INPUT, 'resize-y py-2 font-mono text-sm', className)}
        />
      )}
    </Field>
  )
}
