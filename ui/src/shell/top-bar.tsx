// The bar above every page: where one is, where one can go, who one is.

import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Keyboard, LogOut, Plug, Plus, Search, Settings, ShieldCheck, Users, Waypoints } from 'lucide-react'
import { answer, api } from '@/api/client'
import type { User } from '@/api/documents'
import { meQuery } from '@/api/session'
import { TeamSwitcher, useTeamOfPage } from '@/teams/switcher'
import { Button } from '@/ui/button'
import { COMMAND_KEY, Key } from '@/ui/key'
import { Menu, MenuChoices, MenuContent, MenuItem, MenuLabel, MenuSeparator, MenuTrigger } from '@/ui/menu'
import { tellProblem } from '@/ui/toast'
import { Logo } from './logo'
import { setPreference, usePreference } from './preference'

const NAVIGATION =
  'rounded-md px-2.5 py-1.5 text-muted transition-colors hover:text-ink data-[status=active]:bg-ink/6 data-[status=active]:text-ink'

interface TopBarProps {
  me: User
  onSearch: () => void
  onShortcuts: () => void
}

export function TopBar({ me, onSearch, onShortcuts }: TopBarProps) {
  const team = useTeamOfPage()
  return (
    <header className="sticky top-0 z-30 flex h-13 items-center gap-2 border-b border-line bg-canvas/90 px-3 backdrop-blur-sm sm:px-5">
      <Link
        to="/workspaces"
        className="mr-1 flex items-center gap-2 rounded-md py-1 pr-2 text-lg font-semibold tracking-tight"
      >
        <Logo />
        <span className="max-sm:sr-only">Hearth</span>
      </Link>
      <TeamSwitcher />
      <nav aria-label="Main" className="flex items-center gap-0.5 font-medium">
        <Link to="/workspaces" className={NAVIGATION}>
          Workspaces
        </Link>
        <Link to="/snapshots" className={`${NAVIGATION} max-sm:hidden`}>
          Snapshots
        </Link>
        <Link to="/kites" className={`${NAVIGATION} max-sm:hidden`}>
          Registry
        </Link>
        {me.role === 'admin' ? (
          <Link to="/admin" className={`${NAVIGATION} max-sm:hidden`}>
            Admin
          </Link>
        ) : null}
      </nav>
      <div className="ml-auto flex items-center gap-2">
        <button
          type="button"
          onClick={onSearch}
          className="flex h-8 items-center gap-2 rounded-md border border-line bg-surface pr-1.5 pl-2.5 text-sm text-muted shadow-card transition-colors hover:border-line-strong/60 hover:text-ink max-md:border-transparent max-md:bg-transparent max-md:px-2 max-md:shadow-none"
          aria-label="Search, jump and act"
        >
          <Search aria-hidden className="size-4" />
          <span className="pr-3 whitespace-nowrap max-md:hidden">Search or paste a URL</span>
          <span aria-hidden className="flex gap-0.5 max-md:hidden">
            <Key>{COMMAND_KEY}</Key>
            <Key>K</Key>
          </span>
        </button>
        <Button asChild variant="primary" className="h-8 px-3">
          <Link to="/new" search={team === undefined ? {} : { team }}>
            <Plus aria-hidden className="size-4" />
            New
          </Link>
        </Button>
        <PersonMenu me={me} onShortcuts={onShortcuts} />
      </div>
    </header>
  )
}

function PersonMenu({ me, onShortcuts }: Pick<TopBarProps, 'me' | 'onShortcuts'>) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const theme = usePreference('theme')

  const signOut = async () => {
    try {
      await answer(api.DELETE('/api/v1/session'))
      client.clear()
      client.setQueryData(meQuery.queryKey, null)
      await navigate({ to: '/sign-in' })
    } catch (error) {
      tellProblem('Still signed in', error)
    }
  }
  return (
    <Menu>
      <MenuTrigger asChild>
        <button
          type="button"
          aria-label={`Account of ${me.name}`}
          className="grid size-8 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent-text uppercase hover:ring-2 hover:ring-accent/30"
        >
          {me.name.slice(0, 1)}
        </button>
      </MenuTrigger>
      <MenuContent className="w-60">
        <MenuLabel>
          <span className="block font-medium text-ink">{me.display_name ?? me.name}</span>
          {me.role === 'admin' ? 'Administrator' : 'Member'}
        </MenuLabel>
        <MenuSeparator />
        <MenuItem onSelect={() => void navigate({ to: '/settings' })} shortcut="G S">
          <Settings />
          Settings
        </MenuItem>
        <MenuItem
          onSelect={() => void navigate({ to: '/settings/$section', params: { section: 'integrations' } })}
          shortcut="G I"
        >
          <Plug />
          Integrations
        </MenuItem>
        <MenuItem onSelect={() => void navigate({ to: '/kites' })} shortcut="G K">
          <Waypoints />
          Registry
        </MenuItem>
        <MenuItem onSelect={() => void navigate({ to: '/teams' })} shortcut="G T">
          <Users />
          Teams
        </MenuItem>
        {me.role === 'admin' ? (
          <MenuItem onSelect={() => void navigate({ to: '/admin/$section', params: { section: 'users' } })}>
            <ShieldCheck />
            Administration
          </MenuItem>
        ) : null}
        <MenuItem onSelect={onShortcuts} shortcut="?">
          <Keyboard />
          Shortcuts
        </MenuItem>
        <MenuSeparator />
        <MenuLabel>Theme</MenuLabel>
        <MenuChoices
          value={theme}
          choices={[
            { value: 'system', label: 'As the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
          onChoose={(value) => setPreference('theme', value)}
        />
        <MenuSeparator />
        <MenuItem onSelect={() => void signOut()}>
          <LogOut />
          Sign out
        </MenuItem>
      </MenuContent>
    </Menu>
  )
}
