// One team: its workspaces, and what its managers manage.

import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { Boxes, FolderGit2, Lock, Mail, Plus, SlidersHorizontal, Users } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Team, TeamRole } from '@/api/documents'
import { ProblemError } from '@/api/problem'
import { meQuery } from '@/api/session'
import { teamQuery } from '@/api/teams'
import { NewForgePage } from '@/forges/address-step'
import { ForgePage } from '@/forges/forge-page'
import { ForgesSection } from '@/forges/section'
import { ErrorPage, NotFoundPage } from '@/shell/error-page'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { SkeletonRows } from '@/ui/skeleton'
import { InvitationsSection } from './invitations'
import { MembersSection } from './members'
import { OverviewSection } from './overview'
import { manages, rankOf, roleTitle } from './roles'
import { SecretsSection } from './secrets'
import { TeamSettingsSection } from './team-settings'

export interface TeamProps {
  team: Team
  rank: TeamRole | null
}

const ALWAYS = () => true
const MANAGERS = (_: Team, rank: TeamRole | null) => manages(rank)

const SECTIONS = [
  { name: 'workspaces', title: 'Workspaces', icon: Boxes, view: OverviewSection, isFor: ALWAYS },
  {
    name: 'members',
    title: 'Members',
    icon: Users,
    view: MembersSection,
    // Who is on the whole platform is its administrators' to know.
    isFor: (team: Team, rank: TeamRole | null) => !team.everybody || rank === 'owner',
  },
  {
    name: 'invitations',
    title: 'Invitations',
    icon: Mail,
    view: InvitationsSection,
    isFor: (team: Team, rank: TeamRole | null) => !team.everybody && manages(rank),
  },
  { name: 'secrets', title: 'Secrets', icon: Lock, view: SecretsSection, isFor: ALWAYS },
  {
    name: 'forges',
    title: 'Forges',
    icon: FolderGit2,
    view: TeamForges,
    isFor: (team: Team, rank: TeamRole | null) => !team.everybody && manages(rank),
  },
  { name: 'settings', title: 'Settings', icon: SlidersHorizontal, view: TeamSettingsSection, isFor: MANAGERS },
]

function TeamForges({ team }: TeamProps) {
  return <ForgesSection team={team.slug} />
}

export function TeamPage() {
  const { team } = useParams({ from: '/signed-in/t/$team' })
  return <WithTeam slug={team}>{(props) => <Frame {...props} section="workspaces" />}</WithTeam>
}

export function TeamSectionPage() {
  const { team, section } = useParams({ from: '/signed-in/t/$team/$section' })
  return <WithTeam slug={team}>{(props) => <Frame {...props} section={section} />}</WithTeam>
}

export function TeamNewForgePage() {
  const { team } = useParams({ from: '/signed-in/t/$team/forges/new' })
  return (
    <WithTeam slug={team}>{(props) => (manages(props.rank) ? <NewForgePage team={team} /> : <NoSuchPlace />)}</WithTeam>
  )
}

export function TeamForgePage() {
  const { team, forge } = useParams({ from: '/signed-in/t/$team/forges/$forge' })
  const { step } = useSearch({ from: '/signed-in/t/$team/forges/$forge' })
  return (
    <WithTeam slug={team}>
      {(props) => (manages(props.rank) ? <ForgePage id={forge} step={step} team={team} /> : <NoSuchPlace />)}
    </WithTeam>
  )
}

function WithTeam({ slug, children }: { slug: string; children: (props: TeamProps) => ReactNode }) {
  const { data: team, isError, error } = useQuery(teamQuery(slug))
  const { data: me } = useQuery(meQuery)
  if (isError && team === undefined) {
    if (error instanceof ProblemError && error.status === 404) {
      return (
        <NotFoundPage title="No such team">
          There is no team with this address among yours. Perhaps you were not invited yet, or it has another address
          now.
        </NotFoundPage>
      )
    }
    return <ErrorPage error={error} />
  }
  if (team === undefined || !me) {
    return (
      <Page title="Team">
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      </Page>
    )
  }
  return children({ team, rank: rankOf(team, me.role === 'admin') })
}

function Frame({ team, rank, section }: TeamProps & { section: string }) {
  const sections = SECTIONS.filter(({ isFor }) => isFor(team, rank))
  const chosen = sections.find(({ name }) => name === section)
  useTitle(chosen && chosen.name !== 'workspaces' ? `${chosen.title} · ${team.name}` : team.name)
  if (chosen === undefined) return <NoSuchPlace />
  const View = chosen.view
  return (
    <Page
      title={team.name}
      description={team.everybody ? 'Everybody on this Hearth belongs to it.' : describe(team)}
      actions={
        team.role ? (
          <Button asChild variant="primary">
            <Link to="/new" search={{ team: team.slug }}>
              <Plus aria-hidden className="size-4" />
              New workspace here
            </Link>
          </Button>
        ) : null
      }
    >
      <nav aria-label="Team" className="mb-7 flex gap-1 overflow-x-auto border-b border-line">
        {sections.map(({ name, title, icon: Icon }) => (
          <Link
            key={name}
            {...(name === 'workspaces'
              ? { to: '/t/$team', params: { team: team.slug }, activeOptions: { exact: true } }
              : { to: '/t/$team/$section', params: { team: team.slug, section: name } })}
            className="relative flex h-9.5 items-center gap-1.5 px-3 font-medium text-muted -outline-offset-2 after:absolute after:inset-x-2.5 after:-bottom-px after:h-0.5 after:rounded-full hover:text-ink data-[status=active]:text-ink data-[status=active]:after:bg-accent"
          >
            <Icon aria-hidden className="size-4 max-sm:hidden" />
            {title}
          </Link>
        ))}
      </nav>
      <View team={team} rank={rank} />
    </Page>
  )
}

function describe({ role, members }: Team): string {
  const many = members === 1 ? 'One member' : `${members} members`
  return role ? `${many} · your role: ${roleTitle(role).toLowerCase()}` : `${many} · you are not in it`
}

function NoSuchPlace() {
  return <NotFoundPage>This team has no such page, or it is only for those who manage it.</NotFoundPage>
}
