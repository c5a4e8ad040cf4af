// A workspace that does not run: resting, on its way to rest, or on its way out.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Moon, Play, Trash2 } from 'lucide-react'
import type { Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { LogPane } from '@/log/pane'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { Moment } from '@/ui/moment'
import { Spinner } from '@/ui/spinner'
import { Tab, TabList, TabPanel, Tabs } from '@/ui/tabs'
import { useWorkspaceActs } from './acts'
import { Details } from './details'

export function Resting({ workspace }: { workspace: Workspace }) {
  const search = useSearch({ from: '/signed-in/w/$id' })
  const navigate = useNavigate({ from: '/w/$id' })
  const tab = search.tab === 'log' || search.tab === 'details' ? search.tab : 'state'
  return (
    <Tabs
      value={tab}
      onValueChange={(next) => void navigate({ search: (before) => ({ ...before, tab: next }) })}
      className="flex min-h-0 flex-1 flex-col"
    >
      <TabList aria-label="Workspace" className="mb-3 shrink-0">
        <Tab value="state">State</Tab>
        <Tab value="log">Log</Tab>
        <Tab value="details">Details</Tab>
      </TabList>
      <TabPanel value="state">
        <Card className="py-6">
          <State workspace={workspace} />
        </Card>
      </TabPanel>
      <TabPanel value="log" className="flex min-h-110 flex-1 flex-col lg:min-h-0">
        <LogPane workspace={workspace} className="flex-1" />
      </TabPanel>
      <TabPanel value="details" className="min-h-0 flex-1 overflow-y-auto pt-2 pb-6">
        <Details workspace={workspace} />
      </TabPanel>
    </Tabs>
  )
}

function State({ workspace }: { workspace: Workspace }) {
  const { start } = useWorkspaceActs()
  const obstacle = useWriteObstacle()
  const { phase, desired } = workspace
  if (phase === 'stopping') {
    return (
      <Empty icon={<Spinner />} title="Stopping">
        Processes are asked to end, then made to.{' '}
        {desired === 'running' ? 'It starts again afterwards.' : 'Files stay as they are.'}
      </Empty>
    )
  }
  if (phase === 'deleting' || phase === 'deleted') {
    return (
      <Empty icon={<Trash2 />} title="Deleting">
        Its processes, files and records are being removed.
      </Empty>
    )
  }
  return (
    <Empty
      icon={<Moon />}
      title="Resting"
      actions={
        <Button variant="primary" size="lg" disabled={obstacle !== null} onClick={() => start(workspace)}>
          <Play aria-hidden className="size-4" />
          Start it
        </Button>
      }
    >
      Nothing runs, its files are kept. Last active <Moment at={workspace.last_activity_at} />.
    </Empty>
  )
}
