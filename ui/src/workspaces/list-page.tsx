// All workspaces: a live table whose filter and order are in the URL.

import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Workspace } from '@/api/documents'
import { meQuery } from '@/api/session'
import { workspacesQuery } from '@/api/workspaces'
import { Page } from '@/shell/page'
import { preference, setPreference } from '@/shell/preference'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Segments } from '@/ui/choice'
import { FilterField } from '@/ui/filter-field'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { NoWorkspaces } from './no-workspaces'
import { countByTone, firstDirection, readSelection, select, type Selection, type SortKey } from './selection'
import { WorkspaceTable } from './table'

export function ListPage() {
  useTitle('Workspaces')
  const search = useSearch({ from: '/signed-in/workspaces' })
  const navigate = useNavigate({ from: '/workspaces' })
  const workspaces = useQuery(workspacesQuery)
  const { data: me } = useQuery(meQuery)
  const selection = readSelection(search)
  const rows = workspaces.data?.length

  useEffect(() => {
    if (rows !== undefined) setPreference('rows', String(Math.min(rows, 12)))
  }, [rows])

  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true })
  const sortBy = (key: SortKey) => {
    const turned = selection.direction === 'ascending' ? 'down' : 'up'
    const first = firstDirection(key) === 'ascending' ? 'up' : 'down'
    change({ sort: key, order: selection.sort === key ? turned : first })
  }

  return (
    <Page title="Workspaces">
      {workspaces.isError ? (
        <ProblemNotice
          thrown={workspaces.error}
          actions={<Button onClick={() => void workspaces.refetch()}>Try again</Button>}
        />
      ) : null}
      {workspaces.isPending ? (
        <Card className="mt-12.5">
          <SkeletonRows rows={Number(preference('rows')) || 1} />
        </Card>
      ) : null}
      {workspaces.data?.length === 0 ? <NoWorkspaces /> : null}
      {workspaces.data && workspaces.data.length > 0 ? (
        <>
          <Filters workspaces={workspaces.data} selection={selection} onChange={change} />
          <WorkspaceTable
            workspaces={select(workspaces.data, selection)}
            selection={selection}
            showOwner={workspaces.data.some(({ owner }) => owner.id !== me?.id)}
            onSort={sortBy}
            onClear={() => change({ q: '', state: '' })}
          />
        </>
      ) : null}
    </Page>
  )
}

interface FiltersProps {
  workspaces: Workspace[]
  selection: Selection
  onChange: (next: { q?: string; state?: string }) => void
}

function Filters({ workspaces, selection, onChange }: FiltersProps) {
  const counts = countByTone(workspaces)
  const choices = (['all', 'running', 'busy', 'failed', 'stopped'] as const)
    .filter((tone) => tone === 'all' || counts[tone] > 0 || selection.tone === tone)
    .map((tone) => ({ value: tone, label: `${WORDS[tone]} ${counts[tone]}` }))
  return (
    <div className="mb-3.5 flex flex-wrap items-center gap-3">
      <FilterField
        label="Filter by name, repository or branch"
        placeholder="Filter"
        value={selection.text}
        onChange={(q) => onChange({ q })}
      />
      <Segments
        label="State"
        value={selection.tone}
        choices={choices}
        onChoose={(tone) => onChange({ state: tone === 'all' ? '' : tone })}
      />
    </div>
  )
}

const WORDS = { all: 'All', running: 'Running', busy: 'Changing', failed: 'Failed', stopped: 'Stopped' }
