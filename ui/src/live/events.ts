// The one stream of changes that keeps every page true.
//
// HTTP/1.1 allows six connections to a server, shared by all tabs. So one tab at a time holds the
// stream (the one with the lock) and passes events on; the others only listen. Where the browser
// has no locks (plain HTTP on a host name), each visible tab has a stream of its own.

import { type EventStream, openEventStream } from './event-stream'
import { connection, setConnection, subscribeConnection } from './connection'
import type { Workspace } from '@/api/documents'

/** A workspace changed, or (`null`) is gone. */
export interface Change {
  id: string
  workspace: Workspace | null
}

interface Listener {
  onChange(change: Change): void
  /** Changes may have been missed: read everything anew. */
  onGap(): void
}

/** What tabs tell each other. `ask` and `retry` go to the tab that leads, the rest come from it. */
type Message = { kind: 'change'; change: Change } | { kind: 'gap' | 'live' | 'lost' | 'ask' | 'retry' }

let retry: () => void = () => undefined

/** Tries to connect again at once. */
export function reconnectNow(): void {
  retry()
}

/** Follows changes until the returned function is called. */
export function followChanges(listener: Listener): () => void {
  const stop = new AbortController()
  if ('locks' in navigator && 'BroadcastChannel' in globalThis) shareStream(listener, stop.signal)
  else ownStream(listener, stop.signal)
  return () => stop.abort()
}

function shareStream(listener: Listener, signal: AbortSignal): void {
  const channel = new BroadcastChannel('hearth.events')
  const tell = (message: Message) => channel.postMessage(message)
  let leading = false

  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (leading) {
      if (data.kind === 'ask') tell({ kind: liveness() })
      if (data.kind === 'retry') reconnectNow()
      return
    }
    if (data.kind === 'change') listener.onChange(data.change)
    if (data.kind === 'gap') listener.onGap()
    if (data.kind === 'live') setConnection({ state: 'live' })
    if (data.kind === 'lost') setConnection({ state: 'lost', since: Date.now(), retryAt: Date.now() })
  })
  retry = () => tell({ kind: 'retry' })
  tell({ kind: 'ask' })

  const lead = () =>
    new Promise<void>((release) => {
      leading = true
      const stream = connect({
        onChange(change) {
          listener.onChange(change)
          tell({ kind: 'change', change })
        },
        onGap() {
          listener.onGap()
          tell({ kind: 'gap' })
        },
      })
      const unsubscribe = subscribeConnection(() => tell({ kind: liveness() }))
      signal.addEventListener('abort', () => {
        unsubscribe()
        stream.close()
        release()
      })
    })
  navigator.locks.request('hearth.events', { signal }, lead).catch(() => undefined)
  signal.addEventListener('abort', () => channel.close())
}

function liveness(): 'live' | 'lost' {
  return connection().state === 'lost' ? 'lost' : 'live'
}

function ownStream(listener: Listener, signal: AbortSignal): void {
  let stream: EventStream | null = null
  const follow = () => {
    if (document.hidden) {
      stream?.close()
      stream = null
    } else if (stream === null) {
      stream = connect(listener)
    }
  }
  document.addEventListener('visibilitychange', follow, { signal })
  signal.addEventListener('abort', () => stream?.close())
  follow()
}

function connect(listener: Listener): EventStream {
  let interrupted = connection().state !== 'connecting'
  const stream = openEventStream('/api/v1/events', {
    events: ['workspace'],
    onOpen() {
      if (interrupted) listener.onGap()
      interrupted = true
      setConnection({ state: 'live' })
    },
    onLost(retryMs) {
      const before = connection()
      const since = before.state === 'lost' ? before.since : Date.now()
      setConnection({ state: 'lost', since, retryAt: Date.now() + retryMs })
    },
    onEvent(data) {
      listener.onChange(JSON.parse(data) as Change)
    },
  })
  retry = () => stream.retryNow()
  return stream
}
