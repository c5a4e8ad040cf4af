// Links that let their first visitor into a team.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Mail, Plus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { CreatedInvitation, Invitation, TeamRole } from '@/api/documents'
import { invitationsQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Confirm } from '@/ui/confirm'
import { CopyLine } from '@/ui/copy'
import { Dialog } from '@/ui/dialog'
import { Empty } from '@/ui/empty'
import { SelectField, TextField } from '@/ui/field'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { RoleField } from './members'
import { givableRoles, roleTitle } from './roles'
import type { TeamProps } from './team-page'

export function InvitationsSection({ team, rank }: TeamProps) {
  const client = useQueryClient()
  const query = invitationsQuery(team.slug)
  const invitations = useQuery(query)
  const [isMaking, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<Invitation | null>(null)
  const refresh = () => void client.invalidateQueries({ queryKey: query.queryKey })

  const revoke = async ({ id }: Invitation) => {
    try {
      await answer(api.DELETE('/api/v1/teams/{team}/invitations/{id}', { params: { path: { team: team.slug, id } } }))
      tell('The link no longer works')
    } catch (error) {
      tellProblem('The link still works', error)
    }
    refresh()
  }
  return (
    <Section
      id="invitations"
      title="Invitations"
      description="A link for one person. Whoever opens it first, and has or gets an account, belongs to the team."
      actions={
        <Button variant="primary" onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          Invite
        </Button>
      }
    >
      {invitations.isError ? (
        <ProblemNotice
          thrown={invitations.error}
          actions={<Button onClick={() => void invitations.refetch()}>Try again</Button>}
        />
      ) : (
        <Card>
          {invitations.isPending ? <SkeletonRows rows={2} /> : null}
          {invitations.data?.items.length === 0 ? <Empty icon={<Mail />} title="No open invitations" /> : null}
          <ul className="divide-y divide-line">
            {invitations.data?.items.map((invitation) => (
              <li key={invitation.id} className="flex min-h-14 items-center gap-3.5 px-5 py-2.5">
                <Mail aria-hidden className="size-4.5 shrink-0 text-muted" />
                <div className="min-w-0 flex-1">
                  <p className="truncate font-medium">{invitation.note || 'Somebody'}</p>
                  <p className="text-sm text-muted">
                    As {roleTitle(invitation.role).toLowerCase()} · by {invitation.by.name} · ends{' '}
                    <Moment at={invitation.expires_at} />
                  </p>
                </div>
                <Button
                  size="sm"
                  aria-label={`Take back the invitation for ${invitation.note || 'somebody'}`}
                  onClick={() => setRevoking(invitation)}
                >
                  Take back
                </Button>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {isMaking ? (
        <InviteDialog
          slug={team.slug}
          roles={givableRoles(rank)}
          onClose={() => {
            setMaking(false)
            refresh()
          }}
        />
      ) : null}
      {revoking ? (
        <Confirm
          title="Take this invitation back?"
          verb="Take back"
          onConfirm={() => void revoke(revoking)}
          onClose={() => setRevoking(null)}
        >
          <p className="text-muted">The link stops working. Whoever has used it already stays in the team.</p>
        </Confirm>
      ) : null}
    </Section>
  )
}

interface InviteDialogProps {
  slug: string
  roles: TeamRole[]
  onClose: () => void
}

function InviteDialog({ slug, roles, onClose }: InviteDialogProps) {
  const [created, setCreated] = useState<CreatedInvitation | null>(null)
  if (created === null) return <InviteForm slug={slug} roles={roles} onCreated={setCreated} onClose={onClose} />
  return (
    <Dialog
      title="The invitation"
      description="Send this link to the person. It works once and is shown only now."
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="grid gap-3">
        <CopyLine text={created.url} label="Copy the link" />
        <p className="text-sm text-muted">
          As {roleTitle(created.role).toLowerCase()} · ends <Moment at={created.expires_at} />
        </p>
      </div>
    </Dialog>
  )
}

interface InviteFormProps extends InviteDialogProps {
  onCreated: (created: CreatedInvitation) => void
}

function InviteForm({ slug, roles, onCreated, onClose }: InviteFormProps) {
  const [note, setNote] = useState('')
  const [role, setRole] = useState<TeamRole>('member')
  const [days, setDays] = useState('7')
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    try {
      const body = { role, note: note.trim(), expires_in_days: Number(days) }
      onCreated(await answer(api.POST('/api/v1/teams/{team}/invitations', { params: { path: { team: slug } }, body })))
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TextField
          label="For whom (optional)"
          hint="A name or address, so that you recognise the invitation later. Nothing is sent."
          value={note}
          onChange={(event) => setNote(event.target.value)}
          maxLength={200}
          autoComplete="off"
          data-autofocus=""
        />
        {roles.length > 1 ? <RoleField value={role} roles={roles} onChange={setRole} /> : null}
        <SelectField label="Ends" value={days} onChange={(event) => setDays(event.target.value)}>
          <option value="1">in a day</option>
          <option value="7">in 7 days</option>
          <option value="30">in 30 days</option>
        </SelectField>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={pending}>
            Make the link
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
