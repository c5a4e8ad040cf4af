// A server-sent event stream that never gives up. `EventSource` alone retries only after a broken
// line, not after an answer such as 502 from a restarting proxy.

import { backoff } from './backoff'

export interface StreamHandlers {
  /** Names of the events to deliver. */
  events: readonly string[]
  onEvent(data: string): void
  onOpen(): void
  /** The stream broke; the next try is in `retryMs`. */
  onLost(retryMs: number): void
  /** The server said that there will be no more. */
  onEnd?(): void
}

export interface EventStream {
  /** Tries again at once instead of waiting. */
  retryNow(): void
  close(): void
}

/** Opens `url(lastEventId)`; on each new connection the server is told the last event that came. */
export function openEventStream(url: string, handlers: StreamHandlers): EventStream {
  const pause = backoff(500, 10_000)
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let lastEventId = ''
  let closed = false

  const connect = () => {
    clearTimeout(timer)
    source?.close()
    source = new EventSource(withLastEventId(url, lastEventId))
    source.addEventListener('open', () => {
      pause.reset()
      handlers.onOpen()
    })
    source.addEventListener('error', () => {
      source?.close()
      if (closed) return
      const retryMs = pause.next()
      handlers.onLost(retryMs)
      timer = setTimeout(connect, retryMs)
    })
    source.addEventListener('end', () => {
      close()
      handlers.onEnd?.()
    })
    for (const name of handlers.events) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (event.lastEventId !== '') lastEventId = event.lastEventId
        handlers.onEvent(event.data)
      })
    }
  }

  const retryNow = () => {
    if (!closed && source?.readyState !== EventSource.OPEN) connect()
  }
  const close = () => {
    closed = true
    clearTimeout(timer)
    removeEventListener('online', retryNow)
    source?.close()
  }
  addEventListener('online', retryNow)
  connect()
  return { retryNow, close }
}

/** A new `EventSource` cannot send `Last-Event-ID`, so what it would say travels in the query. */
function withLastEventId(url: string, id: string): string {
  if (id === '') return url
  return `${url}${url.includes('?') ? '&' : '?'}after=${encodeURIComponent(id)}`
}
