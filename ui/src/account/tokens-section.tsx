// API tokens: for the command line, scripts and agents.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { ApiToken } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Confirm } from '@/ui/confirm'
import { Empty } from '@/ui/empty'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { TokenDialog } from './token-dialog'

export function TokensSection() {
  const client = useQueryClient()
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<ApiToken | null>(null)
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => answer(api.GET('/api/v1/me/tokens')) })
  const refresh = () => void client.invalidateQueries({ queryKey: ['tokens'] })

  const revoke = async ({ id, name }: ApiToken) => {
    try {
      await answer(api.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } }))
      tell(`${name} no longer works`)
    } catch (error) {
      tellProblem('The token still works', error)
    }
    refresh()
  }
  return (
    <Section
      id="tokens"
      title="API tokens"
      description="For the command line, scripts and agents. A token acts as you, within its scopes."
      actions={
        <Button onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          New token
        </Button>
      }
    >
      {tokens.isError ? <ProblemNotice thrown={tokens.error} /> : null}
      <Card>
        {tokens.isPending ? <SkeletonRows rows={1} /> : null}
        {tokens.data?.items.length === 0 ? (
          <Empty icon={<KeyRound />} title="No tokens">
            On the machine of the server itself the command line needs none.
          </Empty>
        ) : null}
        <ul className="divide-y divide-line">
          {tokens.data?.items.map((token) => (
            <li key={token.id} className="flex min-h-14 items-center gap-3.5 px-5 py-2.5">
              <KeyRound aria-hidden className="size-4.5 shrink-0 text-muted" />
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium">{token.name}</p>
                <p className="text-sm text-muted">
                  {token.scopes.join(', ')} · last used <Moment at={token.last_used_at} /> ·{' '}
                  {token.expires_at ? (
                    <>
                      expires <Moment at={token.expires_at} />
                    </>
                  ) : (
                    'never expires'
                  )}
                </p>
              </div>
              <Button size="sm" onClick={() => setRevoking(token)}>
                Revoke
              </Button>
            </li>
          ))}
        </ul>
      </Card>
      {making ? (
        <TokenDialog
          onClose={() => {
            setMaking(false)
            refresh()
          }}
        />
      ) : null}
      {revoking ? (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          verb="Revoke"
          onConfirm={() => void revoke(revoking)}
          onClose={() => setRevoking(null)}
        >
          <p className="text-muted">Whatever uses it is refused within a second. This cannot be undone.</p>
        </Confirm>
      ) : null}
    </Section>
  )
}
