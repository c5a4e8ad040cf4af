// Around every page of a signed-in person: the bar, the live stream, the palette, the notifications.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Outlet, useNavigate, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import { meQuery } from '@/api/session'
import { applyChange, refreshWorkspaces } from '@/api/workspaces'
import { RoundTrip } from '@/integrations/round-trip'
import { followChanges } from '@/live/events'
import { connection, subscribeConnection } from '@/live/connection'
import { ConnectionBar } from './connection-bar'
import { useShortcuts } from './shortcuts'
import { TopBar } from './top-bar'

const loadPalette = () => import('./palette')
const Palette = lazy(() => loadPalette().then((module) => ({ default: module.Palette })))
const ShortcutsDialog = lazy(() => import('./shortcuts-dialog').then((module) => ({ default: module.ShortcutsDialog })))

export function Layout() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const router = useRouter()
  const { data: me } = useQuery(meQuery)
  const [open, setOpen] = useState<'palette' | 'shortcuts' | null>(null)
  const close = () => setOpen(null)

  useEffect(
    () =>
      followChanges({
        onChange: (change) => applyChange(client, change),
        onGap: () => refreshWorkspaces(client),
      }),
    [client],
  )
  // A lost stream can mean that the session has ended; asking who we are tells.
  useEffect(
    () =>
      subscribeConnection(() => {
        if (connection().state === 'lost') void client.invalidateQueries({ queryKey: meQuery.queryKey })
      }),
    [client],
  )
  // Signed out somewhere else: the route's guard leads to the sign-in page and back.
  useEffect(() => {
    if (me === null) void router.invalidate()
  }, [me, router])

  const actions = useMemo(
    () => ({
      'Mod+K': () => setOpen('palette'),
      '?': () => setOpen('shortcuts'),
      n: () => void navigate({ to: '/new' }),
      'g w': () => void navigate({ to: '/workspaces' }),
      'g k': () => void navigate({ to: '/kites' }),
      'g t': () => void navigate({ to: '/teams' }),
      'g i': () => void navigate({ to: '/settings/$section', params: { section: 'integrations' } }),
      'g s': () => void navigate({ to: '/settings' }),
      '/': () => document.querySelector<HTMLElement>('[data-filter]')?.focus(),
    }),
    [navigate],
  )
  useShortcuts(actions)
  // So that what is typed right after the key for the palette finds it there.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), 800)
    return () => clearTimeout(timer)
  }, [])

  if (!me) return null
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-4 py-2 font-medium text-accent-ink focus:translate-y-0"
      >
        Skip to the content
      </a>
      <TopBar me={me} onSearch={() => setOpen('palette')} onShortcuts={() => setOpen('shortcuts')} />
      <ConnectionBar />
      <RoundTrip />
      <Outlet />
      <Suspense>
        {open === 'palette' ? <Palette onClose={close} /> : null}
        {open === 'shortcuts' ? <ShortcutsDialog onClose={close} /> : null}
      </Suspense>
    </div>
  )
}
