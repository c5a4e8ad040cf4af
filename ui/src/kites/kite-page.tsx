// One kite: what is known of it, how it is called, and with whom it is shared.

import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import type { Kite } from '@/api/documents'
import { kiteQuery } from '@/api/kites'
import { ProblemError } from '@/api/problem'
import { meQuery } from '@/api/session'
import { useKiteChanges } from '@/live/kite-events'
import { ErrorPage, NotFoundPage } from '@/shell/error-page'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Notice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { CallSection } from './call-section'
import { KiteFacts } from './facts'
import { SharingSection } from './sharing'
import { sharedOf } from './words'

export function KitePage() {
  const { id } = useParams({ from: '/signed-in/kites/$id' })
  useKiteChanges()
  const { data: kite, isError, error } = useQuery(kiteQuery(id))
  if (isError && error instanceof ProblemError && error.status === 404) {
    return (
      <NotFoundPage title={kite ? `${kite.name} is gone` : 'No such kite'} action={<RegistryLink />}>
        {kite
          ? 'It is not connected any more, or you may not see it any more. If it comes back, so does this page.'
          : 'No kite with this id is connected among those you may see. A service that stopped is there again once it registers.'}
      </NotFoundPage>
    )
  }
  if (isError && kite === undefined) return <ErrorPage error={error} />
  if (kite === undefined) {
    return (
      <Page title="Kite" above={<Back />}>
        <Card>
          <SkeletonRows rows={6} />
        </Card>
      </Page>
    )
  }
  return <Loaded key={id} kite={kite} />
}

function Loaded({ kite }: { kite: Kite }) {
  const { data: me } = useQuery(meQuery)
  useTitle(kite.workspace == null ? kite.name : `${kite.name} of ${kite.hostname}`)
  return (
    <Page
      above={<Back />}
      title={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="wrap-anywhere">{kite.name}</span>
          <Badge tone={kite.connected ? 'running' : 'busy'} className="tracking-normal">
            {kite.connected ? 'Connected' : 'Coming back'}
          </Badge>
        </span>
      }
      description={
        kite.workspace == null ? (
          <span className="wrap-anywhere">
            {kite.environment} · {kite.hostname}
          </span>
        ) : (
          `Agent of the workspace ${kite.hostname}`
        )
      }
    >
      {kite.connected ? null : (
        <Notice kind="warn" role="status" title="It was here before the server restarted." className="mb-6">
          Kites have half a minute to come back; this one has not yet. After that it leaves the list until it registers
          again.
        </Notice>
      )}
      <div className="grid grid-cols-[minmax(0,1fr)] gap-x-10 gap-y-8 lg:grid-cols-2">
        <KiteFacts kite={kite} />
        <div className="grid grid-cols-[minmax(0,1fr)] content-start gap-8">
          <CallSection kite={kite} />
          {kite.owner.id === me?.id ? <SharingSection shared={sharedOf(kite)} /> : null}
        </div>
      </div>
    </Page>
  )
}

function Back() {
  return (
    <Link
      to="/kites"
      className="flex min-h-6 items-center gap-1.5 justify-self-start text-sm text-muted hover:text-ink"
    >
      <ArrowLeft aria-hidden className="size-3.5" />
      Registry
    </Link>
  )
}

function RegistryLink() {
  return (
    <Button asChild variant="primary">
      <Link to="/kites">Go to the registry</Link>
    </Button>
  )
}
