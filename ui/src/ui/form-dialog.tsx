// A dialog with a form in it.

import { type FormEvent, type ReactNode, useState } from 'react'
import { Button } from './button'
import { Dialog } from './dialog'
import { ProblemNotice } from './notice'

interface FormDialogProps {
  title: string
  description?: ReactNode
  /** The verb on the button. */
  verb: string
  /** Destroys something, and looks like it. */
  danger?: boolean
  disabled?: boolean
  onSubmit: () => Promise<void>
  onClose: () => void
  children?: ReactNode
  className?: string
}

/** Stays, and says why, until what it is for has been done. */
export function FormDialog(props: FormDialogProps) {
  const { title, description, verb, danger, disabled, onSubmit, onClose, children, className } = props
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      await onSubmit()
      onClose()
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <Dialog title={title} description={description} onClose={onClose} {...(className ? { className } : {})}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        {children}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} pending={pending} disabled={disabled}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
