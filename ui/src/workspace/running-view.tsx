// A running workspace: terminals, files, log, usage, details. Which one is in the URL.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Activity, FolderTree, Info, ScrollText, SquareTerminal } from 'lucide-react'
import { lazy, Suspense } from 'react'
import type { Workspace } from '@/api/documents'
import { LogPane } from '@/log/pane'
import { Empty } from '@/ui/empty'
import { Skeleton } from '@/ui/skeleton'
import { Tab, TabList, TabPanel, Tabs } from '@/ui/tabs'
import { Details } from './details'

const TerminalsPanel = lazy(() => import('@/terminal/panel').then((module) => ({ default: module.TerminalsPanel })))
const FilesPanel = lazy(() => import('@/files/panel').then((module) => ({ default: module.FilesPanel })))
const UsagePanel = lazy(() => import('@/usage/panel').then((module) => ({ default: module.UsagePanel })))

const TABS = [
  { name: 'terminals', title: 'Terminals', icon: SquareTerminal },
  { name: 'files', title: 'Files', icon: FolderTree },
  { name: 'log', title: 'Log', icon: ScrollText },
  { name: 'usage', title: 'Usage', icon: Activity },
  { name: 'details', title: 'Details', icon: Info },
] as const

interface RunningViewProps {
  workspace: Workspace
  /** Administrators manage every workspace, but what is inside is the owner's. */
  mine: boolean
}

export function RunningView({ workspace, mine }: RunningViewProps) {
  const search = useSearch({ from: '/signed-in/w/$id' })
  const navigate = useNavigate({ from: '/w/$id' })
  const tab = TABS.find(({ name }) => name === search.tab)?.name ?? (mine ? 'terminals' : 'usage')

  return (
    <Tabs
      value={tab}
      onValueChange={(next) => void navigate({ search: (before) => ({ ...before, tab: next }) })}
      className="flex min-h-0 flex-1 flex-col"
    >
      <TabList aria-label="Workspace" className="mb-3 shrink-0">
        {TABS.map(({ name, title, icon: Icon }) => (
          <Tab key={name} value={name}>
            <Icon aria-hidden className="size-4 max-sm:hidden" />
            {title}
          </Tab>
        ))}
      </TabList>
      {/* Stays when another tab is shown, so that its connections and screens do. */}
      <TabPanel value="terminals" forceMount className="flex min-h-110 flex-1 flex-col lg:min-h-0">
        {mine ? (
          <Suspense fallback={<Skeleton className="h-full w-full rounded-lg" />}>
            <TerminalsPanel workspace={workspace} active={tab === 'terminals'} />
          </Suspense>
        ) : (
          <Private />
        )}
      </TabPanel>
      <TabPanel value="files" className="flex min-h-0 flex-1 flex-col">
        <Suspense fallback={<Skeleton className="h-64 w-full rounded-lg" />}>
          {mine ? <FilesPanel workspace={workspace} /> : <Private />}
        </Suspense>
      </TabPanel>
      <TabPanel value="log" className="flex min-h-110 flex-1 flex-col lg:min-h-0">
        <LogPane workspace={workspace} className="flex-1" />
      </TabPanel>
      <TabPanel value="usage" className="min-h-0 flex-1 overflow-y-auto">
        <Suspense fallback={<Skeleton className="h-64 w-full rounded-lg" />}>
          <UsagePanel workspace={workspace} />
        </Suspense>
      </TabPanel>
      <TabPanel value="details" className="min-h-0 flex-1 overflow-y-auto pt-2 pb-6">
        <Details workspace={workspace} />
      </TabPanel>
    </Tabs>
  )
}

function Private() {
  return (
    <Empty icon={<Info />} title="Only its owner may look inside">
      As an administrator you see and manage this workspace, but its terminals and files are its owner’s.
    </Empty>
  )
}
