// Processor use out of two readings of a counter.

export interface Reading {
  /** Processor time so far, in microseconds. */
  cpuMicros: number
  /** When it was read, in milliseconds. */
  at: number
}

/** Cores in use between two readings; `null` where that cannot be known, as after a restart. */
export function coresBetween(before: Reading | undefined, after: Reading): number | null {
  if (before === undefined) return null
  const elapsedMs = after.at - before.at
  const usedMicros = after.cpuMicros - before.cpuMicros
  if (elapsedMs <= 0 || usedMicros < 0) return null
  return usedMicros / (elapsedMs * 1000)
}
