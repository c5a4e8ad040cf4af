// One's kite keys: what programs register kites with.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus, TicketCheck } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { KiteKey } from '@/api/documents'
import { kiteKeysQuery } from '@/api/kites'
import { useKiteChanges } from '@/live/kite-events'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import { CodeDialog } from './code-dialog'
import { KeyDialog } from './key-dialog'
import { kites } from './words'

type Asked = 'key' | 'code' | KiteKey

export function KiteKeysSection() {
  useKiteChanges()
  const client = useQueryClient()
  const keys = useQuery(kiteKeysQuery)
  const [asked, setAsked] = useState<Asked | null>(null)
  const close = () => {
    setAsked(null)
    void client.invalidateQueries({ queryKey: kiteKeysQuery.queryKey })
  }
  return (
    <Section
      id="kite-keys"
      title="Kite keys"
      description="A program registers its kites with one, and finds others. It is good at the registry only. A kite that stays registered is given the next key by itself before this one ends."
      actions={
        <span className="flex flex-wrap gap-2">
          <Button onClick={() => setAsked('code')}>
            <TicketCheck aria-hidden className="size-4" />
            One-time code
          </Button>
          <Button onClick={() => setAsked('key')}>
            <Plus aria-hidden className="size-4" />
            New kite key
          </Button>
        </span>
      }
    >
      {keys.isError ? (
        <ProblemNotice thrown={keys.error} actions={<Button onClick={() => void keys.refetch()}>Try again</Button>} />
      ) : (
        <Card>
          {keys.isPending ? <SkeletonRows rows={2} /> : null}
          {keys.data?.items.length === 0 ? (
            <Empty icon={<KeyRound />} title="No kite keys">
              A service on another machine needs one to register. Workspaces need none.
            </Empty>
          ) : null}
          <ul className="divide-y divide-line">
            {keys.data?.items.map((key) => (
              <KeyRow key={key.id} kiteKey={key} onRevoke={() => setAsked(key)} />
            ))}
          </ul>
        </Card>
      )}
      {asked === 'key' ? <KeyDialog onClose={close} /> : null}
      {asked === 'code' ? <CodeDialog onClose={close} /> : null}
      {asked !== null && typeof asked === 'object' ? <RevokeDialog kiteKey={asked} onClose={close} /> : null}
    </Section>
  )
}

function KeyRow({ kiteKey, onRevoke }: { kiteKey: KiteKey; onRevoke: () => void }) {
  const { name, team, created_at, expires_at, last_used_at } = kiteKey
  return (
    <li className="flex min-h-14 items-center gap-3.5 px-5 py-2.5">
      <KeyRound aria-hidden className="size-4.5 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="flex min-w-0 flex-wrap items-baseline gap-x-2">
          <span className="font-medium break-words">{name}</span>
          <span className="text-sm text-muted">{team ? `for ${team.name}` : 'for you alone'}</span>
        </p>
        <p className="text-sm text-muted">
          {kites(kiteKey.kites)} · made <Moment at={created_at} /> · last used <Moment at={last_used_at} /> · expires{' '}
          <Moment at={expires_at} />
        </p>
      </div>
      <Button size="sm" aria-label={`Revoke ${name}`} onClick={onRevoke}>
        Revoke
      </Button>
    </li>
  )
}

function RevokeDialog({ kiteKey, onClose }: { kiteKey: KiteKey; onClose: () => void }) {
  const { id, name } = kiteKey
  const revoke = async () => {
    await answer(api.DELETE('/api/v1/kite-keys/{id}', { params: { path: { id } } }))
    tell(`${name} no longer works`)
  }
  return (
    <FormDialog title={`Revoke ${name}?`} verb="Revoke" danger onSubmit={revoke} onClose={onClose}>
      <p className="text-muted">
        {kiteKey.kites === 0 ? (
          'No kite is registered with it now.'
        ) : (
          <>
            <span className="font-medium text-ink">{kites(kiteKey.kites)}</span> registered with it{' '}
            {kiteKey.kites === 1 ? 'is' : 'are'} cut off within a second.
          </>
        )}{' '}
        Whatever has this key, or one that followed it, needs a new one by hand. This cannot be undone.
      </p>
    </FormDialog>
  )
}
