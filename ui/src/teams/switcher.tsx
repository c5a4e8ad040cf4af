// Which team one looks at; the way to another.

import { useQuery } from '@tanstack/react-query'
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { ChevronsUpDown, Users } from 'lucide-react'
import { teamsQuery } from '@/api/teams'
import { Menu, MenuContent, MenuItem, MenuLabel, MenuSeparator, MenuTrigger } from '@/ui/menu'

const ALL = ''

/** Shown once there is a choice. */
export function TeamSwitcher() {
  const navigate = useNavigate()
  const { data } = useQuery(teamsQuery)
  const current = useTeamOfPage() ?? ALL
  const teams = data?.items ?? []
  if (teams.length < 2) return null
  const name = teams.find(({ slug }) => slug === current)?.name ?? 'All teams'
  const go = (slug: string) =>
    void (slug === ALL ? navigate({ to: '/workspaces' }) : navigate({ to: '/t/$team', params: { team: slug } }))
  return (
    <Menu>
      <MenuTrigger asChild>
        <button
          type="button"
          aria-label={`Team: ${name}`}
          className="mr-1 flex h-8 max-w-44 min-w-0 items-center gap-1.5 rounded-md border border-line bg-surface pr-2 pl-2.5 font-medium shadow-card transition-colors hover:border-line-strong/60 max-md:max-w-28 max-sm:hidden"
        >
          <span className="truncate">{name}</span>
          <ChevronsUpDown aria-hidden className="size-3.5 shrink-0 text-muted" />
        </button>
      </MenuTrigger>
      <MenuContent align="start" className="max-h-[70vh] w-60 overflow-y-auto">
        <MenuLabel>Workspaces of</MenuLabel>
        {[{ slug: ALL, name: 'All teams' }, ...teams].map((team) => (
          <MenuItem
            key={team.slug}
            role="menuitemradio"
            aria-checked={team.slug === current}
            className="relative pl-7"
            onSelect={() => go(team.slug)}
          >
            {team.slug === current ? (
              <span aria-hidden className="absolute left-3 size-1.5 rounded-full bg-accent" />
            ) : null}
            <span className="truncate">{team.name}</span>
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem onSelect={() => void navigate({ to: '/teams' })}>
          <Users />
          Manage teams
        </MenuItem>
      </MenuContent>
    </Menu>
  )
}

/** The team whose page this is, by its name in addresses. */
export function useTeamOfPage(): string | undefined {
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const [, slug] = /^\/t\/([^/]+)/.exec(path) ?? []
  return slug === undefined ? undefined : decodeURIComponent(slug)
}
