// The browsers one is signed in with.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Monitor } from 'lucide-react'
import { answer, api } from '@/api/client'
import type { Session } from '@/api/documents'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { browserName } from './browser-name'

export function SessionsSection() {
  const client = useQueryClient()
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: () => answer(api.GET('/api/v1/me/sessions')) })

  const revoke = async ({ id }: Session) => {
    try {
      await answer(api.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } }))
      tell('Signed out there')
    } catch (error) {
      tellProblem('That browser is still signed in', error)
    }
    void client.invalidateQueries({ queryKey: ['sessions'] })
  }
  return (
    <Section
      id="sessions"
      title="Sessions"
      description="Where you are signed in. A browser you do not know: sign it out and change the password."
    >
      {sessions.isError ? <ProblemNotice thrown={sessions.error} /> : null}
      <Card>
        {sessions.isPending ? <SkeletonRows rows={2} /> : null}
        <ul className="divide-y divide-line">
          {sessions.data?.items.map((session) => (
            <li key={session.id} className="flex min-h-14 items-center gap-3.5 px-5 py-2.5">
              <Monitor aria-hidden className="size-4.5 shrink-0 text-muted" />
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium" title={session.user_agent}>
                  {browserName(session.user_agent)}
                </p>
                <p className="text-sm text-muted">
                  Active <Moment at={session.last_seen_at} />, signed in <Moment at={session.created_at} />
                  {session.signed_in_with ? ` with ${session.signed_in_with}` : null}
                </p>
              </div>
              {session.current ? (
                <Badge tone="running">This browser</Badge>
              ) : (
                <Button size="sm" onClick={() => void revoke(session)}>
                  Sign out
                </Button>
              )}
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  )
}
