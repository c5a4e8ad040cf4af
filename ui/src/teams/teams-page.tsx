// The teams one belongs to, and a new one.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Plus, Users } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { meQuery } from '@/api/session'
import { teamQuery, teamsQuery } from '@/api/teams'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { roleTitle, slugOf } from './roles'

export function TeamsPage() {
  useTitle('Teams')
  const teams = useQuery(teamsQuery)
  const { data: me } = useQuery(meQuery)
  const [isMaking, setMaking] = useState(false)
  const items = teams.data?.items
  return (
    <Page
      title="Teams"
      description="Workspaces, forges and secrets belong to a team. People may be in several."
      actions={
        <Button variant="primary" onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          New team
        </Button>
      }
    >
      {teams.isError ? (
        <ProblemNotice thrown={teams.error} actions={<Button onClick={() => void teams.refetch()}>Try again</Button>} />
      ) : null}
      {teams.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {items?.length === 0 ? (
        <Card>
          <Empty icon={<Users />} title="No teams">
            Make one, or open the link of an invitation.
          </Empty>
        </Card>
      ) : null}
      {items && items.length > 0 ? (
        <Table label="Teams">
          <thead>
            <tr>
              <Head>Name</Head>
              <Head>You are</Head>
              <Head className="text-right">Members</Head>
            </tr>
          </thead>
          <tbody>
            {items.map((team) => (
              <Row key={team.id} className="relative">
                <Cell>
                  <Link
                    to="/t/$team"
                    params={{ team: team.slug }}
                    className="font-semibold before:absolute before:inset-0 before:content-['']"
                  >
                    {team.name}
                  </Link>
                  <span className="block text-sm text-muted">
                    {team.everybody ? 'Everybody on this Hearth' : team.slug}
                  </span>
                </Cell>
                <Cell className="text-muted">
                  {team.role ? roleTitle(team.role) : me?.role === 'admin' ? 'Not in it; you may manage it' : '–'}
                </Cell>
                <Cell className="text-right text-muted tabular-nums">{team.members}</Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      ) : null}
      {isMaking ? <NewTeamDialog onClose={() => setMaking(false)} /> : null}
    </Page>
  )
}

function NewTeamDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [typedSlug, setTypedSlug] = useState<string | null>(null)
  const slug = typedSlug ?? slugOf(name)

  const create = async () => {
    const team = await answer(api.POST('/api/v1/teams', { body: { slug, name: name.trim() || null } }))
    client.setQueryData(teamQuery(team.slug).queryKey, team)
    void client.invalidateQueries({ queryKey: teamsQuery.queryKey })
    void client.invalidateQueries({ queryKey: meQuery.queryKey })
    await navigate({ to: '/t/$team', params: { team: team.slug } })
  }
  return (
    <FormDialog title="New team" verb="Create the team" disabled={slug === ''} onSubmit={create} onClose={onClose}>
      <TextField
        label="Name"
        placeholder="Chimney Sweeps"
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
        maxLength={60}
        autoComplete="off"
        data-autofocus=""
      />
      <TextField
        label="Address"
        hint="Lower-case letters, digits and single hyphens."
        value={slug}
        onChange={(event) => setTypedSlug(event.target.value)}
        required
        maxLength={40}
        pattern="[a-z0-9]+(-[a-z0-9]+)*"
        autoComplete="off"
        spellCheck={false}
        mono
      />
    </FormDialog>
  )
}
