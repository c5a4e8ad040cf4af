// Says how a round trip to a forge ended, on whatever page it ended, and cleans the address up.

import { useQuery } from '@tanstack/react-query'
import { useRouter, useRouterState } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { useEffect } from 'react'
import { integrationsQuery } from '@/api/forges'
import { Button } from '@/ui/button'
import { Notice, sentence } from '@/ui/notice'
import { tell } from '@/ui/toast'
import { useRefreshLinks } from './connect'
import { noteEnded, useEnded } from './ended'
import { type Outcome, readOutcome } from './outcome'

export function RoundTrip() {
  const router = useRouter()
  const refresh = useRefreshLinks()
  const search = useRouterState({ select: ({ location }) => location.searchStr })
  const ended = useEnded()
  const { data: integrations, isFetching } = useQuery({ ...integrationsQuery, enabled: ended !== null })

  useEffect(() => {
    const { outcome, rest } = readOutcome(search)
    if (outcome === null) return
    noteEnded(outcome)
    refresh()
    const { pathname, hash } = router.state.location
    router.history.replace(pathname + rest + (hash === '' ? '' : `#${hash}`))
  }, [search, router, refresh])

  const integration = integrations?.items.find(({ forge }) => forge === ended?.forge)
  const name = integration?.name
  const login = integration?.link?.login
  const isKnown = integrations !== undefined && !isFetching
  useEffect(() => {
    if (ended?.kind !== 'linked' || !isKnown) return
    tell(`${name ?? 'Account'} connected${login === undefined ? '' : ` as ${login}`}`)
    noteEnded(null)
  }, [ended, isKnown, name, login])

  if (ended?.kind !== 'failed') return null
  return (
    <div className="mx-auto w-full max-w-280 px-4 pt-4 sm:px-6">
      <FailedNotice outcome={ended} name={name} onDismiss={() => noteEnded(null)} />
    </div>
  )
}

interface FailedNoticeProps {
  outcome: Outcome & { kind: 'failed' }
  name?: string | undefined
  onDismiss?: () => void
}

/** The words come from the address, so they are shown as the plain text they are. */
export function FailedNotice({ outcome, name, onDismiss }: FailedNoticeProps) {
  return (
    <Notice
      kind="bad"
      role="alert"
      title={name === undefined ? 'The sign-in at the forge did not succeed' : `${name} was not connected`}
      actions={
        onDismiss ? (
          <Button variant="ghost" size="icon-sm" aria-label="Dismiss" onClick={onDismiss}>
            <X className="size-3.5" />
          </Button>
        ) : null
      }
    >
      {[outcome.detail, outcome.mend]
        .filter((text) => text !== '')
        .map((line) => (
          <p key={line}>{sentence(line)}</p>
        ))}
    </Notice>
  )
}
