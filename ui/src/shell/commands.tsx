// What the palette can do.

import { useNavigate } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import {
  Boxes,
  Camera,
  Copy,
  Monitor,
  Moon,
  Play,
  Plus,
  Settings,
  ShieldCheck,
  Square,
  Sun,
  SunMoon,
  Terminal,
  Users,
  Waypoints,
} from 'lucide-react'
import { type ReactNode, useCallback, useMemo } from 'react'
import type { Workspace } from '@/api/documents'
import { meQuery } from '@/api/session'
import { teamsQuery } from '@/api/teams'
import { repositoryName } from '@/repository/address'
import { copyText } from '@/ui/copy'
import { tell, tellProblem } from '@/ui/toast'
import { useWorkspaceActs } from '@/workspace/acts'
import { canStart, canStop, meaning } from '@/workspace/phase'
import { setPreference } from './preference'

export interface Command {
  key: string
  group: string
  title: string
  detail?: string
  icon: ReactNode
  keys?: string
  /** Shown only when something was typed. */
  isMinor?: boolean
  act: () => void
}

const SETTINGS = [
  { section: 'integrations', title: 'Integrations', keys: 'G I' },
  { section: 'ssh-key', title: 'SSH key', keys: null },
  { section: 'git', title: 'Git settings', keys: null },
  { section: 'kite-keys', title: 'Kite keys', keys: null },
]

const ADMINISTRATION = ['users', 'forges', 'images', 'settings', 'keys', 'registry-keys', 'machine', 'audit']

/** Commands for going somewhere and for the page itself, and one for a pasted address. */
export function useCommands() {
  const navigate = useNavigate()
  const { data: me } = useQuery(meQuery)
  const { start, stop } = useWorkspaceActs()
  const { data: teams } = useQuery(teamsQuery)
  const isAdmin = me?.role === 'admin'

  const general = useMemo((): Command[] => {
    const theme = (value: string) => () => setPreference('theme', value)
    const admin: Command[] = ADMINISTRATION.map((section) => ({
      key: `admin-${section}`,
      group: 'Go to',
      title: `Administration: ${section.replace('-', ' ')}`,
      icon: <ShieldCheck />,
      act: () => void navigate({ to: '/admin/$section', params: { section } }),
    }))
    return [
      {
        key: 'new',
        group: 'Do',
        title: 'New workspace',
        icon: <Plus />,
        keys: 'N',
        act: () => void navigate({ to: '/new' }),
      },
      {
        key: 'workspaces',
        group: 'Go to',
        title: 'Workspaces',
        icon: <Boxes />,
        keys: 'G W',
        act: () => void navigate({ to: '/workspaces' }),
      },
      {
        key: 'snapshots',
        group: 'Go to',
        title: 'Snapshots',
        icon: <Camera />,
        act: () => void navigate({ to: '/snapshots' }),
      },
      {
        key: 'kites',
        group: 'Go to',
        title: 'Registry',
        detail: 'kites',
        icon: <Waypoints />,
        keys: 'G K',
        act: () => void navigate({ to: '/kites' }),
      },
      {
        key: 'settings',
        group: 'Go to',
        title: 'Settings',
        icon: <Settings />,
        keys: 'G S',
        act: () => void navigate({ to: '/settings' }),
      },
      {
        key: 'teams',
        group: 'Go to',
        title: 'Teams',
        icon: <Users />,
        keys: 'G T',
        act: () => void navigate({ to: '/teams' }),
      },
      ...SETTINGS.map(
        ({ section, title, keys }): Command => ({
          key: section,
          group: 'Go to',
          title,
          icon: <Settings />,
          ...(keys ? { keys } : {}),
          act: () => void navigate({ to: '/settings/$section', params: { section } }),
        }),
      ),
      ...(teams?.items ?? []).map(
        ({ slug, name }): Command => ({
          key: `team-${slug}`,
          group: 'Teams',
          title: name,
          detail: slug,
          icon: <Users />,
          isMinor: true,
          act: () => void navigate({ to: '/t/$team', params: { team: slug } }),
        }),
      ),
      ...(isAdmin ? admin : []),
      { key: 'dark', group: 'Theme', title: 'Dark theme', icon: <Moon />, act: theme('dark') },
      { key: 'light', group: 'Theme', title: 'Light theme', icon: <Sun />, act: theme('light') },
      { key: 'system', group: 'Theme', title: 'Theme of the system', icon: <SunMoon />, act: theme('system') },
    ]
  }, [navigate, isAdmin, teams])

  const openAddress = useCallback(
    (url: string, name: string): Command => ({
      key: 'address',
      group: 'Do',
      title: `New workspace of ${name}`,
      icon: <Plus />,
      act: () => void navigate({ to: '/new', search: { url } }),
    }),
    [navigate],
  )

  const toWorkspace = useMemo(
    () => ({
      open: (id: string, tab?: string) => void navigate({ to: '/w/$id', params: { id }, search: tab ? { tab } : {} }),
      start,
      stop,
    }),
    [navigate, start, stop],
  )
  return { general, openAddress, toWorkspace }
}

interface ToWorkspace {
  open: (id: string, tab?: string) => void
  start: (workspace: Workspace) => void
  stop: (workspace: Workspace) => void
}

/** Commands for each workspace: open all of them first, then what can be done to each. */
export function workspaceCommands(workspaces: Workspace[], to: ToWorkspace): Command[] {
  const open = workspaces.map((workspace): Command => {
    const repository = workspace.source ? `${repositoryName(workspace.source.repository)} · ` : ''
    return {
      key: `open-${workspace.id}`,
      group: 'Workspaces',
      title: workspace.name,
      detail: repository + meaning(workspace.phase).word,
      icon: <Terminal />,
      act: () => to.open(workspace.id),
    }
  })
  const acts = workspaces.flatMap((workspace): Command[] => {
    const { id, name, phase } = workspace
    const copy = () =>
      copyText(`hearth exec ${id} -- bash`).then(
        () => tell('Copied'),
        (error: unknown) => tellProblem('Not copied', error),
      )
    const all: Command[] = [
      ...(canStart(phase)
        ? [{ key: `start-${id}`, group: 'Do', title: `Start ${name}`, icon: <Play />, act: () => to.start(workspace) }]
        : []),
      ...(canStop(phase) && phase !== 'failed'
        ? [{ key: `stop-${id}`, group: 'Do', title: `Stop ${name}`, icon: <Square />, act: () => to.stop(workspace) }]
        : []),
      {
        key: `copy-${id}`,
        group: 'Do',
        title: `Copy “hearth exec” for ${name}`,
        icon: <Copy />,
        act: () => void copy(),
      },
      {
        key: `usage-${id}`,
        group: 'Do',
        title: `Usage of ${name}`,
        icon: <Monitor />,
        act: () => to.open(id, 'usage'),
      },
    ]
    return all.map((command) => ({ ...command, isMinor: true }))
  })
  return [...open, ...acts]
}
