// The server's clock as this browser sees it, and one shared tick for everything that counts.

import { useSyncExternalStore } from 'react'

/** A `Date` header has whole seconds, so smaller differences are noise. */
const TOLERANCE_MS = 2000

let offsetMs = 0

/** Learns from an answer's `Date` header how far the two clocks are apart. */
export function noteServerTime(header: string | null, now = Date.now()): void {
  const server = header === null ? Number.NaN : Date.parse(header)
  if (Number.isNaN(server)) return
  const difference = server - now
  offsetMs = Math.abs(difference) > TOLERANCE_MS ? difference : 0
}

/** Now, by the server's clock, in milliseconds. */
export function serverNow(): number {
  return Date.now() + offsetMs
}

/** One timer for all components that tick at the same pace; it runs only while somebody looks. */
function ticker(everyMs: number) {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  let now = serverNow()
  const tick = () => {
    now = serverNow()
    for (const listener of listeners) listener()
  }
  return {
    subscribe(listener: () => void) {
      listeners.add(listener)
      if (timer === undefined) {
        now = serverNow()
        timer = setInterval(tick, everyMs)
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
    now: () => now,
  }
}

const fast = ticker(100)
const second = ticker(1000)
const slow = ticker(15_000)

/** The time for a running stopwatch: ten times a second. */
export function useStopwatchNow(): number {
  return useSyncExternalStore(fast.subscribe, fast.now)
}

/** The time for a countdown: once a second. */
export function useSecondNow(): number {
  return useSyncExternalStore(second.subscribe, second.now)
}

/** The time for "3 min ago": four times a minute. */
export function useSlowNow(): number {
  return useSyncExternalStore(slow.subscribe, slow.now)
}
