// Keeps what a page shows of kites true. Its own stream, open only while such a page is looked at: the
// number of connections of a browser to one server is small, and few pages are about kites.

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { KiteChange } from '@/api/documents'
import { refreshKites } from '@/api/kites'
import { type EventStream, openEventStream } from './event-stream'
import { gather } from './gather'

/** Quick enough to seem at once, slow enough that a restart with all its kites is a few questions. */
const QUIET_MS = 200
const MOST_MS = 1500

/** Refetches what changed for as long as the component is there. */
export function useKiteChanges(): void {
  const client = useQueryClient()
  useEffect(() => followKites(client), [client])
}

function followKites(client: QueryClient): () => void {
  const changed = gather<string | null>(QUIET_MS, MOST_MS, (ids) => {
    const [only] = ids
    refreshKites(client, ids.size === 1 && only !== undefined ? only : null)
  })
  let stream: EventStream | null = null
  let mayHaveMissed = false

  const connect = () =>
    openEventStream('/api/v1/kites/events', {
      events: ['kite'],
      onOpen() {
        if (mayHaveMissed) changed.add(null)
        mayHaveMissed = true
      },
      onLost() {},
      onEvent(data) {
        changed.add((JSON.parse(data) as KiteChange).id ?? null)
      },
    })
  const follow = () => {
    if (document.hidden) {
      stream?.close()
      stream = null
    } else {
      stream ??= connect()
    }
  }
  document.addEventListener('visibilitychange', follow)
  follow()
  return () => {
    document.removeEventListener('visibilitychange', follow)
    stream?.close()
    changed.cancel()
  }
}
