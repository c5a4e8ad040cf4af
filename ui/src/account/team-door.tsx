// On a team's own host nobody signs in: that happens on the main host, and the session comes over from there.

import { useEffect, useState } from 'react'
import { Button } from '@/ui/button'
import { Notice } from '@/ui/notice'
import { Spinner } from '@/ui/spinner'

const KEY = 'hearth.crossing'
/** Coming back without a session sooner than this means that it does not work, and would go on for ever. */
const AGAIN_MS = 20_000

/** The address on this host from which the way over begins. */
export function crossingTo(destination: string): string {
  return `/auth/enter?${new URLSearchParams({ return_to: destination })}`
}

export function TeamDoor({ destination }: { destination: string }) {
  const [isStuck] = useState(cameBackAtOnce)
  useEffect(() => {
    if (!isStuck) location.replace(crossingTo(destination))
  }, [isStuck, destination])
  if (!isStuck) {
    return (
      <p role="status" className="flex items-center justify-center gap-2.5 py-4 text-muted">
        <Spinner />
        One moment
      </p>
    )
  }
  return (
    <>
      <Notice kind="warn" role="alert" title="You came back without being signed in">
        This browser may refuse cookies of this host. Allow them, then try again.
      </Notice>
      <Button variant="primary" size="lg" onClick={() => location.assign(crossingTo(destination))}>
        Try again
      </Button>
    </>
  )
}

/** Notes the attempt, and tells whether there was one just now. */
function cameBackAtOnce(): boolean {
  try {
    const last = Number(sessionStorage.getItem(KEY) ?? 0)
    sessionStorage.setItem(KEY, String(Date.now()))
    return Date.now() - last < AGAIN_MS
  } catch {
    // Without storage there are hardly cookies either; better a button than a circle.
    return true
  }
}
