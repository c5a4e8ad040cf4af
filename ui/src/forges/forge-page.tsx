// One forge: the steps of its registration, or everything about it.

import { useQuery } from '@tanstack/react-query'
import { forgeQuery } from '@/api/forges'
import { ProblemError } from '@/api/problem'
import { ErrorPage, NotFoundPage } from '@/shell/error-page'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Card } from '@/ui/card'
import { SkeletonRows } from '@/ui/skeleton'
import { ApplicationStep } from './application-step'
import { CheckStep } from './check-step'
import { EditForge } from './edit-forge'

interface ForgePageProps {
  id: string
  step: string | undefined
  team?: string
}

export function ForgePage({ id, step, team }: ForgePageProps) {
  const { data: forge, isError, error } = useQuery(forgeQuery(id))
  useTitle(forge?.name ?? 'Forge')
  if (isError && forge === undefined) {
    if (error instanceof ProblemError && error.status === 404) {
      return <NotFoundPage title="No such forge">There is none with this address among those you manage.</NotFoundPage>
    }
    return <ErrorPage error={error} />
  }
  if (forge === undefined) {
    return (
      <Page title="Forge" className="max-w-190">
        <Card>
          <SkeletonRows rows={4} />
        </Card>
      </Page>
    )
  }
  if (step === 'application') return <ApplicationStep forge={forge} team={team} />
  if (step === 'check') return <CheckStep forge={forge} team={team} />
  return <EditForge key={forge.id} forge={forge} team={team} />
}
