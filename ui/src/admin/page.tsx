// Running the platform: people, forges, images, keys, the machine, and who did what.

import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { Cpu, FolderGit2, KeyRound, Layers, ScrollText, SlidersHorizontal, Users, Waypoints } from 'lucide-react'
import { meQuery } from '@/api/session'
import { NewForgePage } from '@/forges/address-step'
import { ForgePage } from '@/forges/forge-page'
import { ForgesSection } from '@/forges/section'
import { NotFoundPage } from '@/shell/error-page'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { AuditSection } from './audit'
import { ImagesSection } from './images'
import { KeysSection } from './keys'
import { MachineSection } from './machine'
import { RegistryKeysSection } from './registry-keys'
import { SettingsSection } from './settings'
import { UsersSection } from './users'

const SECTIONS = [
  { name: 'users', title: 'Users', icon: Users, view: UsersSection },
  { name: 'forges', title: 'Forges', icon: FolderGit2, view: ForgesSection },
  { name: 'images', title: 'Images', icon: Layers, view: ImagesSection },
  { name: 'settings', title: 'Settings', icon: SlidersHorizontal, view: SettingsSection },
  { name: 'keys', title: 'Keys', icon: KeyRound, view: KeysSection },
  { name: 'registry-keys', title: 'Registry keys', icon: Waypoints, view: RegistryKeysSection },
  { name: 'machine', title: 'Machine', icon: Cpu, view: MachineSection },
  { name: 'audit', title: 'Audit', icon: ScrollText, view: AuditSection },
]

export function AdminPage() {
  const { section } = useParams({ from: '/signed-in/admin/$section' })
  const { data: me } = useQuery(meQuery)
  const chosen = SECTIONS.find(({ name }) => name === section)
  useTitle(chosen ? `${chosen.title} · Administration` : 'Administration')

  if (me?.role !== 'admin') return <OnlyForAdministrators />
  if (chosen === undefined) return <NotFoundPage />
  const View = chosen.view
  return (
    <Page title="Administration">
      <nav aria-label="Administration" className="mb-7 flex gap-1 overflow-x-auto border-b border-line">
        {SECTIONS.map(({ name, title, icon: Icon }) => (
          <Link
            key={name}
            to="/admin/$section"
            params={{ section: name }}
            className="relative flex h-9.5 items-center gap-1.5 px-3 font-medium text-muted -outline-offset-2 after:absolute after:inset-x-2.5 after:-bottom-px after:h-0.5 after:rounded-full hover:text-ink data-[status=active]:text-ink data-[status=active]:after:bg-accent"
          >
            <Icon aria-hidden className="size-4 max-sm:hidden" />
            {title}
          </Link>
        ))}
      </nav>
      <View />
    </Page>
  )
}

function OnlyForAdministrators() {
  return (
    <NotFoundPage title="Only for administrators">
      Ask an administrator of this Hearth for what you need here, or to make you one.
    </NotFoundPage>
  )
}

export function AdminNewForgePage() {
  const { data: me } = useQuery(meQuery)
  return me?.role === 'admin' ? <NewForgePage /> : <OnlyForAdministrators />
}

export function AdminForgePage() {
  const { forge } = useParams({ from: '/signed-in/admin/forges/$forge' })
  const { step } = useSearch({ from: '/signed-in/admin/forges/$forge' })
  const { data: me } = useQuery(meQuery)
  return me?.role === 'admin' ? <ForgePage id={forge} step={step} /> : <OnlyForAdministrators />
}
