// With whom something of one's own is shared: a workspace, running or not, or all services of a name.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { UserMinus, UserPlus, Users } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { KiteShare } from '@/api/documents'
import { kiteSharesQuery } from '@/api/kites'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { Notice, ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import type { Shared } from './words'

export function SharingSection({ shared }: { shared: Shared }) {
  const client = useQueryClient()
  const query = kiteSharesQuery(shared.id)
  const shares = useQuery(query)
  const [asked, setAsked] = useState<'add' | KiteShare | null>(null)
  const close = () => {
    setAsked(null)
    void client.invalidateQueries({ queryKey: query.queryKey })
  }
  return (
    <Section
      id="sharing"
      title="Sharing"
      description={
        shared.isWorkspace ? (
          EVERYTHING
        ) : (
          <>
            Whom you share with may call all your kites of the name{' '}
            <span className="font-medium text-ink">{shared.name}</span>, on whatever host.
          </>
        )
      }
      actions={
        <Button onClick={() => setAsked('add')}>
          <UserPlus aria-hidden className="size-4" />
          Share
        </Button>
      }
    >
      {shares.isError ? (
        <ProblemNotice
          thrown={shares.error}
          actions={<Button onClick={() => void shares.refetch()}>Try again</Button>}
        />
      ) : (
        <Card>
          {shares.isPending ? <SkeletonRows rows={1} /> : null}
          {shares.data?.items.length === 0 ? (
            <Empty icon={<Users />} title="Shared with nobody">
              {nobodyElse(shared)}
            </Empty>
          ) : null}
          <ul className="divide-y divide-line">
            {shares.data?.items.map((share) => (
              <li key={share.user.id} className="flex min-h-14 items-center gap-3.5 px-5 py-2.5">
                <span
                  aria-hidden
                  className="grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent-text uppercase"
                >
                  {share.user.name.slice(0, 1)}
                </span>
                <div className="min-w-0 flex-1">
                  <p className="truncate font-medium">{share.user.name}</p>
                  <p className="text-sm text-muted">
                    Since <Moment at={share.since} />
                  </p>
                </div>
                <Button size="sm" aria-label={`Withdraw from ${share.user.name}`} onClick={() => setAsked(share)}>
                  <UserMinus aria-hidden className="size-3.5" />
                  Withdraw
                </Button>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {asked === 'add' ? <ShareDialog shared={shared} onClose={close} /> : null}
      {asked !== null && asked !== 'add' ? <WithdrawDialog shared={shared} share={asked} onClose={close} /> : null}
    </Section>
  )
}

function nobodyElse({ isWorkspace, team }: Shared): string {
  if (isWorkspace) return 'Only you may go inside.'
  return team ? `Members of ${team} may call it all the same.` : 'Only you may call it.'
}

const EVERYTHING = 'Whoever you share this with can do everything inside the workspace.'

function ShareDialog({ shared, onClose }: { shared: Shared; onClose: () => void }) {
  const [name, setName] = useState('')
  const share = async () => {
    const path = { id: shared.id, user: name.trim() }
    const { user } = await answer(api.PUT('/api/v1/kites/{id}/shares/{user}', { params: { path } }))
    tell(`${user.name} may call ${shared.name} now`)
  }
  return (
    <FormDialog
      title={`Share ${shared.name}`}
      verb="Share"
      disabled={name.trim() === ''}
      onSubmit={share}
      onClose={onClose}
    >
      {shared.isWorkspace ? (
        <Notice kind="warn" title={EVERYTHING}>
          Read and change files, run commands, open terminals, use what is signed in there. Until you withdraw it.
        </Notice>
      ) : null}
      <TextField
        label="Name"
        hint="What the person signs in to this Hearth with."
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus=""
      />
    </FormDialog>
  )
}

function WithdrawDialog({ shared, share, onClose }: { shared: Shared; share: KiteShare; onClose: () => void }) {
  const { user } = share
  const withdraw = async () => {
    const path = { id: shared.id, user: user.id }
    await answer(api.DELETE('/api/v1/kites/{id}/shares/{user}', { params: { path } }))
    tell(`${user.name} may not call ${shared.name} any more`)
  }
  return (
    <FormDialog title={`Withdraw from ${user.name}?`} verb="Withdraw" danger onSubmit={withdraw} onClose={onClose}>
      <p className="text-muted">
        {shared.isWorkspace
          ? 'Connections that the person has to the workspace end within a second. What they changed in it stays.'
          : 'The person gets no more tokens. One that was given out before is good at the service until it ends.'}
      </p>
    </FormDialog>
  )
}
