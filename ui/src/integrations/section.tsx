// The forges one may use, and how one stands with each.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plug } from 'lucide-react'
import { integrationsQuery } from '@/api/forges'
import { meQuery } from '@/api/session'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { IntegrationRow } from './row'

export function IntegrationsSection() {
  const { data: me } = useQuery(meQuery)
  const integrations = useQuery(integrationsQuery)
  const items = integrations.data?.items
  return (
    <Section
      id="integrations"
      title="Git providers"
      description="Connect an account, and your workspaces read and write what you may read and write there. Access lasts until you disconnect."
    >
      {integrations.isError ? (
        <ProblemNotice
          thrown={integrations.error}
          actions={<Button onClick={() => void integrations.refetch()}>Try again</Button>}
        />
      ) : null}
      {integrations.isError ? null : (
        <Card>
          {integrations.isPending ? <SkeletonRows rows={3} /> : null}
          {items?.length === 0 ? (
            <Empty
              icon={<Plug />}
              title="No Git provider yet"
              actions={
                me?.role === 'admin' ? (
                  <Button asChild variant="primary">
                    <Link to="/admin/forges/new">Register one</Link>
                  </Button>
                ) : null
              }
            >
              {me?.role === 'admin'
                ? 'Register your GitLab, GitHub or another forge once, and everybody here can connect to it.'
                : 'An administrator of this Hearth can register one. Public repositories work without.'}
            </Empty>
          ) : null}
          {items && items.length > 0 ? (
            <ul className="divide-y divide-line">
              {items.map((integration) => (
                <IntegrationRow key={integration.forge} integration={integration} />
              ))}
            </ul>
          ) : null}
        </Card>
      )}
    </Section>
  )
}
