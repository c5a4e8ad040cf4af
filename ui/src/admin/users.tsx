// The people who can sign in.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, KeyRound, Plus, ShieldCheck, ShieldOff, UserCheck, UserX } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { User } from '@/api/documents'
import { meQuery } from '@/api/session'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Confirm } from '@/ui/confirm'
import { Menu, MenuContent, MenuItem, MenuSeparator, MenuTrigger } from '@/ui/menu'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { tell, tellProblem } from '@/ui/toast'
import { NewUserDialog, PasswordDialog } from './user-dialogs'

type Change = { role?: User['role']; suspended?: boolean }

export function UsersSection() {
  const client = useQueryClient()
  const { data: me } = useQuery(meQuery)
  const [asked, setAsked] = useState<{ kind: 'new' } | { kind: 'password' | 'suspend'; user: User } | null>(null)
  const users = useQuery({ queryKey: ['users'], queryFn: () => answer(api.GET('/api/v1/users')) })
  const refresh = () => void client.invalidateQueries({ queryKey: ['users'] })
  const close = () => {
    setAsked(null)
    refresh()
  }

  const change = async (user: User, body: Change, done: string) => {
    try {
      await answer(api.PATCH('/api/v1/users/{id}', { params: { path: { id: user.id } }, body }))
      tell(done)
    } catch (error) {
      tellProblem(`${user.name} was not changed`, error)
    }
    refresh()
  }
  return (
    <Section
      id="users"
      title="Users"
      description="A member works in own workspaces. An administrator also sees and manages everybody’s, but does not enter them."
      actions={
        <Button variant="primary" onClick={() => setAsked({ kind: 'new' })}>
          <Plus aria-hidden className="size-4" />
          New user
        </Button>
      }
    >
      {users.isError ? <ProblemNotice thrown={users.error} /> : null}
      {users.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {users.data ? (
        <Table label="Users">
          <thead>
            <tr>
              <Head>Name</Head>
              <Head>Role</Head>
              <Head>State</Head>
              <Head className="max-md:hidden">Added</Head>
              <Head className="w-0">
                <span className="sr-only">Actions</span>
              </Head>
            </tr>
          </thead>
          <tbody>
            {users.data.items.map((user) => (
              <Row key={user.id}>
                <Cell>
                  <span className="font-medium">{user.name}</span>
                  {user.id === me?.id ? <span className="text-muted"> (you)</span> : null}
                  {user.email ? <span className="block text-sm text-muted">{user.email}</span> : null}
                </Cell>
                <Cell>{user.role === 'admin' ? 'Administrator' : 'Member'}</Cell>
                <Cell>
                  {user.suspended_at ? <Badge tone="failed">Suspended</Badge> : <Badge tone="running">Active</Badge>}
                </Cell>
                <Cell className="text-muted max-md:hidden">
                  <Moment at={user.created_at} />
                </Cell>
                <Cell className="py-0">
                  <UserMenu
                    user={user}
                    isMe={user.id === me?.id}
                    onChange={(body, done) => void change(user, body, done)}
                    onAsk={(kind) => setAsked({ kind, user })}
                  />
                </Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      ) : null}
      {asked?.kind === 'new' ? <NewUserDialog onClose={close} /> : null}
      {asked?.kind === 'password' ? <PasswordDialog user={asked.user} onClose={close} /> : null}
      {asked?.kind === 'suspend' ? (
        <Confirm
          title={`Suspend ${asked.user.name}?`}
          verb="Suspend"
          onConfirm={() => void change(asked.user, { suspended: true }, `${asked.user.name} is suspended`)}
          onClose={close}
        >
          <p className="text-muted">
            Sessions, tokens and terminals of {asked.user.name} are cut off within a second. Workspaces stay as they
            are, and the suspension can be lifted.
          </p>
        </Confirm>
      ) : null}
    </Section>
  )
}

interface UserMenuProps {
  user: User
  isMe: boolean
  onChange: (body: Change, done: string) => void
  onAsk: (kind: 'password' | 'suspend') => void
}

function UserMenu({ user, isMe, onChange, onAsk }: UserMenuProps) {
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={`More for ${user.name}`}>
          <Ellipsis className="size-4" />
        </Button>
      </MenuTrigger>
      <MenuContent>
        <MenuItem onSelect={() => onAsk('password')}>
          <KeyRound />
          Set a password
        </MenuItem>
        {user.role === 'member' ? (
          <MenuItem onSelect={() => onChange({ role: 'admin' }, `${user.name} is an administrator`)}>
            <ShieldCheck />
            Make administrator
          </MenuItem>
        ) : (
          <MenuItem disabled={isMe} onSelect={() => onChange({ role: 'member' }, `${user.name} is a member`)}>
            <ShieldOff />
            Make member
          </MenuItem>
        )}
        <MenuSeparator />
        {user.suspended_at ? (
          <MenuItem onSelect={() => onChange({ suspended: false }, `${user.name} may sign in again`)}>
            <UserCheck />
            Lift the suspension
          </MenuItem>
        ) : (
          <MenuItem danger disabled={isMe} onSelect={() => onAsk('suspend')}>
            <UserX />
            Suspend
          </MenuItem>
        )}
      </MenuContent>
    </Menu>
  )
}
