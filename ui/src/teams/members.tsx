// Who belongs to a team, and as what.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Ellipsis, LogOut, UserMinus, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Member, TeamRole } from '@/api/documents'
import { meQuery } from '@/api/session'
import { membersQuery, teamQuery, teamsQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { SelectField, TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { Menu, MenuChoices, MenuContent, MenuItem, MenuLabel, MenuSeparator, MenuTrigger } from '@/ui/menu'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { tell, tellProblem } from '@/ui/toast'
import { givableRoles, manages, mayChange, ROLES, roleTitle } from './roles'
import type { TeamProps } from './team-page'

export function MembersSection({ team, rank }: TeamProps) {
  const client = useQueryClient()
  const members = useQuery(membersQuery(team.slug))
  const { data: me } = useQuery(meQuery)
  const [asked, setAsked] = useState<'add' | Member | null>(null)
  const refresh = () => {
    void client.invalidateQueries({ queryKey: teamQuery(team.slug).queryKey })
    void client.invalidateQueries({ queryKey: teamsQuery.queryKey })
  }
  const setRole = async ({ user }: Member, role: TeamRole) => {
    try {
      const path = { team: team.slug, user: user.id }
      await answer(api.PUT('/api/v1/teams/{team}/members/{user}', { params: { path }, body: { role } }))
      tell(`${user.name} is ${roleTitle(role).toLowerCase()} now`)
    } catch (error) {
      tellProblem(`${user.name} was not changed`, error)
    }
    refresh()
  }
  return (
    <Section
      id="members"
      title="Members"
      description={
        team.everybody
          ? 'Everybody, always. Administrators of this Hearth are its owners.'
          : 'Members make workspaces here. Admins also manage members, forges and secrets; owners everything.'
      }
      actions={
        manages(rank) && !team.everybody ? (
          <Button onClick={() => setAsked('add')}>
            <UserPlus aria-hidden className="size-4" />
            Add somebody
          </Button>
        ) : null
      }
    >
      {members.isError ? (
        <ProblemNotice
          thrown={members.error}
          actions={<Button onClick={() => void members.refetch()}>Try again</Button>}
        />
      ) : null}
      {members.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {members.data ? (
        <Table label="Members">
          <thead>
            <tr>
              <Head>Name</Head>
              <Head>Role</Head>
              <Head className="max-md:hidden">Since</Head>
              <Head className="w-0">
                <span className="sr-only">Actions</span>
              </Head>
            </tr>
          </thead>
          <tbody>
            {members.data.items.map((member) => {
              const isMe = member.user.id === me?.id
              return (
                <Row key={member.user.id}>
                  <Cell>
                    <span className="font-medium">{member.user.name}</span>
                    {isMe ? <span className="text-muted"> (you)</span> : null}
                  </Cell>
                  <Cell>{roleTitle(member.role)}</Cell>
                  <Cell className="text-muted max-md:hidden">
                    <Moment at={member.since} />
                  </Cell>
                  <Cell className="py-0">
                    {!team.everybody && (isMe || mayChange(rank, member.role)) ? (
                      <MemberMenu
                        member={member}
                        isMe={isMe}
                        roles={mayChange(rank, member.role) ? givableRoles(rank) : []}
                        onRole={(role) => void setRole(member, role)}
                        onRemove={() => setAsked(member)}
                      />
                    ) : (
                      <span className="block size-8" />
                    )}
                  </Cell>
                </Row>
              )
            })}
          </tbody>
        </Table>
      ) : null}
      {asked === 'add' ? (
        <AddDialog
          slug={team.slug}
          roles={givableRoles(rank)}
          onClose={() => {
            setAsked(null)
            refresh()
          }}
        />
      ) : null}
      {asked !== null && asked !== 'add' ? (
        <RemoveDialog
          team={team}
          member={asked}
          isMe={asked.user.id === me?.id}
          onClose={() => {
            setAsked(null)
            refresh()
          }}
        />
      ) : null}
    </Section>
  )
}

interface MemberMenuProps {
  member: Member
  isMe: boolean
  roles: TeamRole[]
  onRole: (role: TeamRole) => void
  onRemove: () => void
}

function MemberMenu({ member, isMe, roles, onRole, onRemove }: MemberMenuProps) {
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={`More for ${member.user.name}`}>
          <Ellipsis className="size-4" />
        </Button>
      </MenuTrigger>
      <MenuContent>
        {roles.length > 1 ? (
          <>
            <MenuLabel>Role</MenuLabel>
            <MenuChoices
              value={member.role}
              choices={ROLES.filter(({ role }) => roles.includes(role)).map(({ role, title }) => ({
                value: role,
                label: title,
              }))}
              onChoose={(value) => {
                const role = roles.find((item) => item === value)
                if (role && role !== member.role) onRole(role)
              }}
            />
            <MenuSeparator />
          </>
        ) : null}
        <MenuItem danger onSelect={onRemove}>
          {isMe ? <LogOut /> : <UserMinus />}
          {isMe ? 'Leave the team' : 'Remove from the team'}
        </MenuItem>
      </MenuContent>
    </Menu>
  )
}

function AddDialog({ slug, roles, onClose }: { slug: string; roles: TeamRole[]; onClose: () => void }) {
  const [user, setUser] = useState('')
  const [role, setRole] = useState<TeamRole>('member')
  const add = async () => {
    const path = { team: slug, user: user.trim() }
    await answer(api.PUT('/api/v1/teams/{team}/members/{user}', { params: { path }, body: { role } }))
    tell(`${user.trim()} belongs to the team now`)
  }
  return (
    <FormDialog title="Add somebody" verb="Add" onSubmit={add} onClose={onClose}>
      <TextField
        label="Name"
        hint="What the person signs in with. Somebody without an account gets an invitation instead."
        value={user}
        onChange={(event) => setUser(event.target.value)}
        required
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus=""
      />
      {roles.length > 1 ? <RoleField value={role} roles={roles} onChange={setRole} /> : null}
    </FormDialog>
  )
}

interface RoleFieldProps {
  value: TeamRole
  roles: TeamRole[]
  onChange: (role: TeamRole) => void
}

export function RoleField({ value, roles, onChange }: RoleFieldProps) {
  return (
    <SelectField
      label="Role"
      hint={ROLES.find(({ role }) => role === value)?.hint}
      value={value}
      onChange={(event) => onChange(roles.find((role) => role === event.target.value) ?? 'member')}
    >
      {roles.map((role) => (
        <option key={role} value={role}>
          {roleTitle(role)}
        </option>
      ))}
    </SelectField>
  )
}

interface RemoveDialogProps {
  team: TeamProps['team']
  member: Member
  isMe: boolean
  onClose: () => void
}

function RemoveDialog({ team, member, isMe, onClose }: RemoveDialogProps) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const { user } = member
  const remove = async () => {
    const path = { team: team.slug, user: user.id }
    await answer(api.DELETE('/api/v1/teams/{team}/members/{user}', { params: { path } }))
    tell(isMe ? `You left ${team.name}` : `${user.name} was removed`)
    if (!isMe) return
    await client.invalidateQueries({ queryKey: teamsQuery.queryKey })
    await navigate({ to: '/teams' })
  }
  return (
    <FormDialog
      title={isMe ? `Leave ${team.name}?` : `Remove ${user.name}?`}
      verb={isMe ? 'Leave' : 'Remove'}
      danger
      onSubmit={remove}
      onClose={onClose}
    >
      <p className="text-muted">
        {isMe ? 'Your' : 'The person’s'} workspaces in this team stop within a second and cannot be started again. Their
        files stay until {isMe ? 'you delete' : 'the person or a manager deletes'} them.
      </p>
    </FormDialog>
  )
}
