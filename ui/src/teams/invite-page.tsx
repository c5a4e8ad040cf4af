// Where an invitation's link leads: what it is for, and taking it up.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useEffect, useState } from 'react'
import { answer, api } from '@/api/client'
import type { InvitationPreview, Me } from '@/api/documents'
import { meQuery } from '@/api/session'
import { teamQuery, teamsQuery } from '@/api/teams'
import { Logo } from '@/shell/logo'
import { LonePage } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Moment } from '@/ui/moment'
import { Notice, ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import { forgetInvitation, invitationToken } from './invitation-token'
import { ROLES, roleTitle } from './roles'

export function InvitePage() {
  useTitle('Invitation')
  const [token] = useState(() => invitationToken(location.hash))
  // Neither history nor bookmarks need to know it.
  useEffect(() => {
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname)
  }, [])
  return (
    <LonePage className="max-w-105">
      <div className="mb-7 grid justify-items-center gap-4 text-center">
        <Logo className="size-12" />
        <h1 className="text-2xl font-semibold tracking-tight">You are invited</h1>
      </div>
      {token === null ? (
        <Notice kind="note" title="This link is not whole">
          An invitation’s link ends in <code className="text-sm">/invite#…</code> with a long word. Open it again as it
          was sent to you.
        </Notice>
      ) : (
        <Invited token={token} />
      )}
    </LonePage>
  )
}

function Invited({ token }: { token: string }) {
  const { data: me, isPending: isAsking } = useQuery(meQuery)
  const preview = useQuery({
    queryKey: ['invitation', token],
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: () => answer(api.POST('/api/v1/invitations/preview', { body: { token } })),
  })
  if (preview.isError) {
    return (
      <div className="grid gap-4">
        <ProblemNotice thrown={preview.error} />
        <Button asChild>
          <Link to="/workspaces" onClick={forgetInvitation}>
            Go to workspaces
          </Link>
        </Button>
      </div>
    )
  }
  if (preview.isPending || isAsking) {
    return (
      <Box>
        <SkeletonRows rows={2} />
      </Box>
    )
  }
  return (
    <Box>
      <Facts preview={preview.data} />
      {me ? <Accept token={token} me={me} /> : <SignInFirst />}
    </Box>
  )
}

function Box({ children }: { children: ReactNode }) {
  return <div className="grid gap-5 rounded-xl border border-line bg-surface p-6 shadow-float">{children}</div>
}

function Facts({ preview: { team, role, by, expires_at } }: { preview: InvitationPreview }) {
  return (
    <div className="grid gap-1 text-center">
      <p className="text-lg">
        <span className="font-medium">{by}</span> invites you to <span className="font-semibold">{team}</span>
      </p>
      <p className="text-muted">
        {roleTitle(role)}: {lowerFirst(ROLES.find((item) => item.role === role)?.hint ?? '')}
      </p>
      <p className="text-sm text-muted">
        It ends <Moment at={expires_at} />.
      </p>
    </div>
  )
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function Accept({ token, me }: { token: string; me: Me }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const accept = async () => {
    setPending(true)
    setProblem(null)
    try {
      const team = await answer(api.POST('/api/v1/invitations/accept', { body: { token } }))
      forgetInvitation()
      client.setQueryData(teamQuery(team.slug).queryKey, team)
      void client.invalidateQueries({ queryKey: teamsQuery.queryKey })
      tell(`Welcome to ${team.name}`)
      await navigate({ to: '/t/$team', params: { team: team.slug }, replace: true })
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <div className="grid gap-3">
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      <Button variant="primary" size="lg" pending={pending} autoFocus onClick={() => void accept()}>
        Join as {me.name}
      </Button>
      <Button asChild variant="ghost">
        <Link to="/workspaces" onClick={forgetInvitation}>
          Not now
        </Link>
      </Button>
    </div>
  )
}

function SignInFirst() {
  return (
    <div className="grid gap-3">
      <Button asChild variant="primary" size="lg">
        <Link to="/sign-in" search={{ next: '/invite' }}>
          Sign in to join
        </Link>
      </Button>
      <p className="text-center text-sm text-muted">
        No account yet? Sign in with your Git provider if it is offered, else ask an administrator for one.
      </p>
    </div>
  )
}
