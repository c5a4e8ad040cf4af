// The live log of one workspace: lines as they come, batched so that a flood costs one paint a frame.

import type { LogLine } from '@/api/documents'
import { type EventStream, openEventStream } from '@/live/event-stream'
import { type Look, parseAnsi, PLAIN, type Span } from './ansi'

export interface Line extends LogLine {
  spans: Span[]
}

export interface LogView {
  /** Lines in groups of at most [`CHUNK_LINES`]. A full group never changes, so it is painted once. */
  chunks: readonly (readonly Line[])[]
  /** How many lines came so far, dropped ones included. */
  total: number
  /** Lines that are no longer kept in the page. */
  dropped: number
  state: 'connecting' | 'live' | 'reconnecting' | 'ended'
}

export const CHUNK_LINES = 200
/** Beyond this the page gets slow (measured: 50 000 nodes at 5 000 coloured lines). */
const MOST_CHUNKS = 50

export class LogFeed {
  #view: LogView = { chunks: [], total: 0, dropped: 0, state: 'connecting' }
  #waiting: LogLine[] = []
  #look: Look = PLAIN
  #lastSequence = -1
  #scheduled = false
  readonly #listeners = new Set<() => void>()
  readonly #url: string
  #stream: EventStream | null = null

  constructor(url: string) {
    this.#url = url
  }

  view = (): LogView => this.#view

  /** Follows the log for as long as somebody listens. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#stream ??= this.#open()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stream?.close()
      this.#stream = null
    }
  }

  #open(): EventStream {
    return openEventStream(this.#lastSequence < 0 ? this.#url : `${this.#url}?after=${this.#lastSequence}`, {
      events: ['line'],
      onOpen: () => this.#change({ ...this.#view, state: 'live' }),
      onLost: () => this.#change({ ...this.#view, state: 'reconnecting' }),
      onEnd: () => this.#change({ ...this.#view, state: 'ended' }),
      onEvent: (data) => this.add(JSON.parse(data) as LogLine),
    })
  }

  /** Takes one line. A line that was seen before, as after a reconnect, is dropped. */
  add(line: LogLine): void {
    if (line.sequence <= this.#lastSequence) return
    this.#lastSequence = line.sequence
    this.#waiting.push(line)
    if (this.#scheduled) return
    this.#scheduled = true
    // A hidden page paints no frames.
    if (typeof document === 'undefined' || document.hidden) setTimeout(() => this.flush(), 100)
    else requestAnimationFrame(() => this.flush())
  }

  /** Moves what came since the last frame into the view. */
  flush(): void {
    this.#scheduled = false
    const lines = this.#waiting.map((line): Line => {
      const { spans, look } = parseAnsi(line.text, this.#look)
      this.#look = look
      return { ...line, spans }
    })
    this.#waiting = []
    const chunks = [...this.#view.chunks]
    let rest = lines
    while (rest.length > 0) {
      const last = chunks.at(-1)
      const open = last !== undefined && last.length < CHUNK_LINES ? last : []
      if (open.length > 0) chunks.pop()
      chunks.push([...open, ...rest.slice(0, CHUNK_LINES - open.length)])
      rest = rest.slice(CHUNK_LINES - open.length)
    }
    const surplus = chunks.splice(0, Math.max(0, chunks.length - MOST_CHUNKS))
    this.#change({
      ...this.#view,
      chunks,
      total: this.#view.total + lines.length,
      dropped: this.#view.dropped + surplus.reduce((sum, chunk) => sum + chunk.length, 0),
    })
  }

  #change(view: LogView): void {
    this.#view = view
    for (const listener of this.#listeners) listener()
  }
}
