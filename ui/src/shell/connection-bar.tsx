// One thin bar when the page is not live: what it shows stays readable, but nothing can be changed.

import { useEffect, useState } from 'react'
import { useConnection } from '@/live/connection'
import { reconnectNow } from '@/live/events'

/** A server that restarts is back within this time; telling it would only worry people. */
const PATIENCE_MS = 1500

export function ConnectionBar() {
  const connection = useConnection()
  const [now, setNow] = useState(Date.now)
  const lost = connection.state === 'lost'

  useEffect(() => {
    if (!lost) return
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [lost])

  const shown = connection.state === 'lost' && now - connection.since > PATIENCE_MS
  const seconds = connection.state === 'lost' ? Math.max(0, Math.ceil((connection.retryAt - now) / 1000)) : 0
  return (
    <div role="status">
      {shown ? (
        <div
          data-connection-bar
          className="flex flex-wrap items-center justify-center gap-x-3 bg-busy-soft px-4 py-1.5 text-sm text-busy"
        >
          <span>
            <strong className="font-semibold">Connection to Hearth lost.</strong> What you see may be old; changes wait
            until it is back.
          </span>
          <button
            type="button"
            className="min-h-6 rounded-sm font-medium underline underline-offset-2"
            onClick={reconnectNow}
          >
            {seconds > 0 ? `Trying again in ${seconds} s — try now` : 'Try now'}
          </button>
        </div>
      ) : null}
    </div>
  )
}
