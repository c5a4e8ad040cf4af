// A value that is typed, once nobody types any more.

import { useEffect, useState } from 'react'

/** Long enough to type the next letter, short enough not to be waited for. */
const SETTLE_MS = 350

/** What the page began with is settled at once. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    if (value === settled) return
    const timer = setTimeout(() => setSettled(value), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [value, settled])
  return settled
}
