// The client's end of one terminal: bytes in order, each exactly once, over connections that break.
//
// Output is numbered in bytes by the agent. After a break the client asks for everything since the
// last byte it has; if the agent no longer keeps that, it says `reset` and the screen starts afresh.
// What has been shown is acknowledged, so that a flood never runs ahead of the screen.

import { backoff } from '@/live/backoff'

export type TerminalState =
  | { kind: 'connecting' }
  | { kind: 'connected' }
  | { kind: 'reconnecting'; attempt: number }
  | { kind: 'exited'; code: number }
  /** It will not come back: it was closed, or the person may no longer see it. */
  | { kind: 'gone' }

export interface TerminalEvents {
  /** Bytes to show. `shown` must be called once they are on the screen. */
  onOutput(bytes: Uint8Array, shown: () => void): void
  /** The screen starts afresh. In order with the output. */
  onReset(): void
  onState(state: TerminalState): void
}

/** What the connection needs of a WebSocket. */
export interface Socket {
  binaryType: string
  readyState: number
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(): void
  addEventListener(type: 'open', act: () => void): void
  addEventListener(type: 'message', act: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', act: (event: { code: number }) => void): void
}

/** The world outside, so that tests can bring their own. */
export interface Outside {
  open(url: string): Socket
  random(): number
}

/** The agent stops reading the terminal when a viewer is 512 KiB behind; a quarter of it keeps it going. */
export const ACK_BYTES = 128 * 1024
/** After a pause in the output the rest is acknowledged too. */
const ACK_IDLE_MS = 300
/** The largest paste in one message. */
const INPUT_BYTES = 32 * 1024
/** Close codes of the server that make another try useless: signed out, no such terminal. */
const FINAL_CODES = new Set([4401, 4404])

const OPEN = 1

type Control = { type: 'hello'; sequence: number; reset: boolean } | { type: 'exit'; exit_code: number }

export class TerminalConnection {
  readonly #url: string
  readonly #events: TerminalEvents
  readonly #outside: Outside
  readonly #liveFrom: number
  readonly #pause
  readonly #encoder = new TextEncoder()
  #socket: Socket | null = null
  #size: { columns: number; rows: number } | null = null
  /** First byte not received, or `null` before the first hello. */
  #received: number | null = null
  /** Number of the next byte on the present connection; behind `received` while bytes are repeated. */
  #position = 0
  #shown = 0
  #acknowledged = 0
  /** Changes with each reset, so that what was shown before it no longer counts. */
  #epoch = 0
  #attempt = 0
  #ended = false
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #ackTimer: ReturnType<typeof setTimeout> | undefined

  /** `liveFrom`: output below this number is history, which is shown but not answered. */
  constructor(url: string, events: TerminalEvents, liveFrom = 0, outside: Outside = browser) {
    this.#url = url
    this.#liveFrom = liveFrom
    this.#events = events
    this.#outside = outside
    this.#pause = backoff(200, 5000, outside.random)
    this.#connect()
  }

  /** Sends what was typed or pasted. Dropped while not connected: the screen says so. */
  input(text: string): void {
    this.inputBytes(this.#encoder.encode(text))
  }

  inputBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.isConnected() || this.#isReplaying()) return
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) this.#socket?.send(bytes.slice(at, at + INPUT_BYTES))
  }

  /** Tells the size of the screen, now and after each reconnect. */
  resize(columns: number, rows: number): void {
    this.#size = { columns, rows }
    this.#tellSize()
  }

  isConnected(): boolean {
    return this.#socket?.readyState === OPEN
  }

  /**
   * Programs ask terminals questions, such as which kind they are. While old output is shown again the
   * screen would answer them again, and the answers would appear as if typed.
   */
  #isReplaying(): boolean {
    return this.#received !== null && this.#shown < this.#liveFrom
  }

  /** Does not wait any longer for the next try. */
  retryNow(): void {
    if (this.#ended || this.isConnected() || this.#attempt === 0) return
    this.#connect()
  }

  /** Stops trying, because it is known that the terminal is no more. */
  giveUp(): void {
    if (this.#ended) return
    this.close()
    this.#events.onState({ kind: 'gone' })
  }

  /** Leaves. The terminal itself lives on. */
  close(): void {
    this.#ended = true
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#ackTimer)
    this.#socket?.close()
  }

  #connect(): void {
    clearTimeout(this.#retryTimer)
    this.#socket?.close()
    const since = this.#received === null ? '' : `?since=${this.#received}`
    const socket = this.#outside.open(this.#url + since)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    const whilePresent =
      <Event>(act: (event: Event) => void) =>
      (event: Event) => {
        if (this.#socket === socket && !this.#ended) act(event)
      }
    socket.addEventListener(
      'message',
      whilePresent(({ data }) => this.#take(data)),
    )
    socket.addEventListener(
      'close',
      whilePresent(({ code }) => this.#lost(code)),
    )
    if (this.#attempt === 0) this.#events.onState({ kind: 'connecting' })
  }

  #take(data: unknown): void {
    if (data instanceof ArrayBuffer) this.#takeOutput(new Uint8Array(data))
    else if (typeof data === 'string') this.#takeControl(JSON.parse(data) as Control)
  }

  #takeControl(control: Control): void {
    if (control.type === 'exit') {
      this.#acknowledge()
      this.close()
      this.#events.onState({ kind: 'exited', code: control.exit_code })
      return
    }
    if (control.type !== 'hello') return
    const isNew = this.#received === null
    if (control.reset || isNew || control.sequence > (this.#received ?? 0)) {
      if (!isNew) this.#events.onReset()
      this.#epoch += 1
      this.#received = control.sequence
      this.#shown = control.sequence
    }
    this.#acknowledged = Math.min(this.#shown, control.sequence)
    this.#position = control.sequence
    this.#attempt = 0
    this.#pause.reset()
    this.#events.onState({ kind: 'connected' })
    this.#tellSize()
  }

  #takeOutput(bytes: Uint8Array): void {
    if (this.#received === null) return
    const start = this.#position
    const end = start + bytes.length
    this.#position = end
    if (end <= this.#received) return
    const fresh = bytes.subarray(this.#received - start)
    this.#received = end
    const epoch = this.#epoch
    this.#events.onOutput(fresh, () => {
      if (epoch !== this.#epoch) return
      this.#shown = end
      if (end - this.#acknowledged >= ACK_BYTES) this.#acknowledge()
      else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_IDLE_MS)
    })
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer)
    this.#ackTimer = undefined
    if (this.#shown <= this.#acknowledged || !this.isConnected()) return
    this.#acknowledged = this.#shown
    this.#tell({ type: 'ack', sequence: this.#shown })
  }

  #lost(code: number): void {
    this.#socket = null
    if (FINAL_CODES.has(code)) {
      this.giveUp()
      return
    }
    this.#attempt += 1
    this.#events.onState({ kind: 'reconnecting', attempt: this.#attempt })
    this.#retryTimer = setTimeout(() => this.#connect(), this.#pause.next())
  }

  #tellSize(): void {
    if (this.#size !== null && this.isConnected() && this.#received !== null)
      this.#tell({ type: 'resize', ...this.#size })
  }

  #tell(message: object): void {
    this.#socket?.send(JSON.stringify(message))
  }
}

const browser: Outside = {
  open: (url) => new WebSocket(url) as unknown as Socket,
  random: Math.random,
}
