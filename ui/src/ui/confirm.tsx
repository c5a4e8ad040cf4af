// Asks before something that cannot be undone.

import { type ReactNode, useState } from 'react'
import { Button } from './button'
import { Dialog } from './dialog'
import { TextField } from './field'

interface ConfirmProps {
  title: string
  children: ReactNode
  /** The verb on the button. */
  verb: string
  /** Must be typed first, for what destroys work. */
  typed?: string
  onConfirm: () => void
  onClose: () => void
}

export function Confirm({ title, children, verb, typed, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('')
  const ready = typed === undefined || text.trim() === typed
  const confirm = () => {
    if (!ready) return
    onConfirm()
    onClose()
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="danger"
            disabled={!ready}
            onClick={confirm}
            data-autofocus={typed === undefined ? '' : undefined}
          >
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        {children}
        {typed === undefined ? null : (
          <TextField
            label={
              <>
                Type <span className="font-mono font-semibold">{typed}</span> to go on
              </>
            }
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === 'Enter' && confirm()}
            autoComplete="off"
            spellCheck={false}
            mono
            data-autofocus=""
          />
        )}
      </div>
    </Dialog>
  )
}
