// Everything the registry knows about a kite.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Kite } from '@/api/documents'
import { meQuery } from '@/api/session'
import { Card, Section } from '@/ui/card'
import { Fact } from '@/ui/fact'
import { Moment } from '@/ui/moment'
import { count, pathOf, showsWorkspace, VIA } from './words'

const LINK = 'underline decoration-line-strong underline-offset-2 hover:decoration-accent'

export function KiteFacts({ kite }: { kite: Kite }) {
  const { data: me } = useQuery(meQuery)
  const { workspace, hostname, team } = kite
  return (
    <Section id="facts" title="Facts">
      <Card>
        <dl className="divide-y divide-line">
          <Fact name="Id" copy={kite.id}>
            <code className="text-sm break-all">{kite.id}</code>
          </Fact>
          <Fact name="Owner">{kite.owner.name}</Fact>
          {team ? (
            <Fact name="Team">
              <Link to="/t/$team" params={{ team: team.slug }} className={LINK}>
                {team.name}
              </Link>
            </Fact>
          ) : null}
          <Fact name="Environment">{kite.environment}</Fact>
          <Fact name="Name">{kite.name}</Fact>
          <Fact name="Version">
            <code className="text-sm">{kite.version}</code>
          </Fact>
          <Fact name="Region">{kite.region}</Fact>
          <Fact name={workspace == null ? 'Host' : 'Workspace'}>
            {workspace != null && me && showsWorkspace(kite, me) ? (
              <Link to="/w/$id" params={{ id: workspace }} className={LINK}>
                {hostname}
              </Link>
            ) : (
              hostname
            )}
          </Fact>
          <Fact name="Via">
            {VIA[kite.via].word}
            <span className="block text-sm text-muted">{VIA[kite.via].hint}</span>
          </Fact>
          <Fact name="Registered">
            <Moment at={kite.registered_at} />
          </Fact>
          <Fact name="Last heard of">
            <Moment at={kite.last_seen_at} />
          </Fact>
          <Fact name="Calls">{kite.calls == null ? NOT_TOLD : count(kite.calls)}</Fact>
          <Fact name="Errors">{kite.errors == null ? NOT_TOLD : count(kite.errors)}</Fact>
          <Fact name="Tokens">
            {count(kite.tokens)}
            <span className="text-muted"> given out since it registered</span>
          </Fact>
          <Fact name="Path" copy={pathOf(kite)}>
            <code className="text-sm break-all">{pathOf(kite)}</code>
          </Fact>
        </dl>
      </Card>
    </Section>
  )
}

const NOT_TOLD = <span className="text-muted">It does not tell</span>
