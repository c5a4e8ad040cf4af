// A modal dialog on the browser's own `<dialog>`: focus stays inside, the rest is inert, Escape
// closes, and nothing has to inject style sheets, which our content security policy forbids.

import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button'
import { cn } from './class-names'

interface DialogProps {
  title: ReactNode
  description?: ReactNode
  onClose: () => void
  children?: ReactNode
  /** Buttons, the main one last. */
  footer?: ReactNode
  className?: string
  /** Leaves out heading and frame; the children bring their own, and `title` names the dialog. */
  bare?: boolean
}

/** Shown for as long as it is rendered. The element with `data-autofocus` gets the focus. */
export function Dialog({ title, description, onClose, children, footer, className, bare }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()

  useEffect(() => {
    const element = dialog.current
    if (element === null) return
    element.showModal()
    element.querySelector<HTMLElement>('[data-autofocus]')?.focus()
    return () => element.close()
  }, [])

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- a click on the backdrop; for keys there is Escape
    <dialog
      ref={dialog}
      aria-labelledby={`${id}-title`}
      aria-describedby={description ? `${id}-description` : undefined}
      className={cn(
        'w-[min(30rem,calc(100vw-2rem))] animate-rise rounded-xl border border-line bg-surface p-0 shadow-float',
        className,
      )}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      {bare ? (
        <>
          <h2 id={`${id}-title`} className="sr-only">
            {title}
          </h2>
          {children}
        </>
      ) : (
        <div className="grid gap-4 p-5">
          <header className="grid gap-1 pr-8">
            <h2 id={`${id}-title`} className="text-lg font-semibold tracking-tight">
              {title}
            </h2>
            {description ? (
              <p id={`${id}-description`} className="text-muted">
                {description}
              </p>
            ) : null}
            <Button variant="ghost" size="icon" className="absolute top-3 right-3" aria-label="Close" onClick={onClose}>
              <X className="size-4" />
            </Button>
          </header>
          {children}
          {footer ? <footer className="flex flex-wrap justify-end gap-2 pt-1">{footer}</footer> : null}
        </div>
      )}
    </dialog>
  )
}
