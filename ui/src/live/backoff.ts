// Pauses between tries that grow and are spread out, so that many browsers do not come back at once.

export interface Backoff {
  /** The pause before the next try, in milliseconds. */
  next(): number
  reset(): void
}

export function backoff(firstMs: number, mostMs: number, random: () => number = Math.random): Backoff {
  let attempt = 0
  return {
    next() {
      const whole = Math.min(mostMs, firstMs * 2 ** attempt)
      attempt += 1
      return Math.round(whole * (0.75 + random() * 0.5))
    },
    reset() {
      attempt = 0
    },
  }
}
