// How the last round trip to a forge ended, until that was told.

import { useSyncExternalStore } from 'react'
import type { Outcome } from './outcome'

let ended: Outcome | null = null
const listeners = new Set<() => void>()

export function noteEnded(outcome: Outcome | null): void {
  ended = outcome
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useEnded(): Outcome | null {
  return useSyncExternalStore(subscribe, () => ended)
}
