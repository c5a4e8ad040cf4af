// Keyboard shortcuts of the whole application. Nothing destructive has one.

import { useEffect } from 'react'
import { IS_MAC } from '@/ui/key'
import { preference } from './preference'

export interface Shortcut {
  /** `Mod+K`, a single letter, or two letters typed after one another: `g w`. */
  keys: string
  what: string
}

export const SHORTCUTS: Shortcut[] = [
  { keys: 'Mod+K', what: 'Search, jump and act' },
  { keys: '?', what: 'Show these shortcuts' },
  { keys: 'n', what: 'New workspace' },
  { keys: 'g w', what: 'Go to workspaces' },
  { keys: 'g k', what: 'Go to the registry' },
  { keys: 'g t', what: 'Go to teams' },
  { keys: 'g i', what: 'Go to integrations' },
  { keys: 'g s', what: 'Go to settings' },
  { keys: '/', what: 'Filter the list' },
  { keys: 'Ctrl+Shift+.', what: 'Leave the terminal' },
  { keys: 'Ctrl+Shift+F', what: 'Find in the terminal' },
]

/** A second letter has to follow the first within this time. */
const SEQUENCE_MS = 1200

/** Calls the action for each shortcut that is typed outside of inputs, terminals and dialogs. */
export function useShortcuts(actions: Record<string, () => void>): void {
  useEffect(() => {
    let first = ''
    let firstAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const command = IS_MAC ? event.metaKey : event.ctrlKey
      const inTerminal = isIn(event.target, '.xterm')
      if (command && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        // In a shell Ctrl+K deletes to the end of the line; it stays the shell's.
        if (inTerminal && !IS_MAC) return
        act(event, 'Mod+K')
        return
      }
      if (event.metaKey || event.ctrlKey || event.altKey || preference('letters') === 'off') return
      if (inTerminal || isIn(event.target, 'input, textarea, select, [role=menu], [role=listbox], dialog')) return
      const sequence = `${first} ${event.key}`
      if (first !== '' && event.timeStamp - firstAt < SEQUENCE_MS && sequence in actions) act(event, sequence)
      else act(event, event.key)
      first = event.key
      firstAt = event.timeStamp
    }
    const act = (event: KeyboardEvent, keys: string) => {
      const action = actions[keys]
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [actions])
}

function isIn(target: EventTarget | null, selector: string): boolean {
  return target instanceof Element && target.closest(selector) !== null
}
