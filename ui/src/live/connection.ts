// Whether what the page shows is live. One small store that the event stream writes and pages read.

import { useSyncExternalStore } from 'react'

export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  /** Not connected since `since`; the next try is at `retryAt` (both by this browser's clock). */
  | { state: 'lost'; since: number; retryAt: number }

let current: Connection = { state: 'connecting' }
const listeners = new Set<() => void>()

export function connection(): Connection {
  return current
}

export function setConnection(next: Connection): void {
  current = next
  for (const listener of listeners) listener()
}

export function subscribeConnection(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribeConnection, connection)
}

/** Why nothing can be changed just now, or `null`. Buttons that write are disabled with it. */
export function useWriteObstacle(): string | null {
  return useConnection().state === 'lost' ? 'Not connected to Hearth' : null
}
