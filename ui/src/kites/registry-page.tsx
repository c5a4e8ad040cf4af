// The registry: every kite one may see, live. Filter and order are in the URL.

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import type { Kite } from '@/api/documents'
import { kitesQuery } from '@/api/kites'
import { asProblem } from '@/api/problem'
import { useKiteChanges } from '@/live/kite-events'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { useSettled } from '@/time/settled'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Segments } from '@/ui/choice'
import { cn } from '@/ui/class-names'
import { INPUT } from '@/ui/field'
import { FilterField } from '@/ui/filter-field'
import { ProblemNotice, sentence } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Words } from '@/ui/words'
import { NoKites } from './no-kites'
import { countByKind, firstDirection, readSelection, select, type Selection, type SortKey } from './selection'
import { KiteTable } from './table'

export function RegistryPage() {
  useTitle('Registry')
  useKiteChanges()
  const search = useSearch({ from: '/signed-in/kites' })
  const navigate = useNavigate({ from: '/kites' })
  const selection = readSelection(search)
  // A constraint is asked of the server, once it has been typed; the list before stays meanwhile.
  const version = useSettled(selection.version.trim())
  const kites = useQuery({ ...kitesQuery(version), placeholderData: keepPreviousData })
  const refusal = version !== '' && kites.isError ? asProblem(kites.error) : null
  const isRefused = refusal?.status === 422
  // For a refused constraint the whole list goes on being shown.
  const all = useQuery({ ...kitesQuery(), enabled: isRefused })
  const shown = isRefused ? (all.data ?? kites.data) : kites.data
  const isFiltered = selection.text !== '' || selection.version !== '' || selection.kind !== 'all'

  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true })
  const sortBy = (key: SortKey) => {
    const turned = selection.direction === 'ascending' ? 'down' : 'up'
    const first = firstDirection(key) === 'ascending' ? 'up' : 'down'
    change({ sort: key, order: selection.sort === key ? turned : first })
  }
  return (
    <Page
      title="Registry"
      className="max-w-320"
      description="Kites that are connected: your services, the agents of your workspaces, and what others share with you."
      actions={
        <Button asChild>
          <Link to="/settings/$section" params={{ section: 'kite-keys' }}>
            <KeyRound aria-hidden className="size-4" />
            Kite keys
          </Link>
        </Button>
      }
    >
      {kites.isError && !isRefused ? (
        <ProblemNotice
          thrown={kites.error}
          actions={<Button onClick={() => void kites.refetch()}>Try again</Button>}
          className="mb-3.5"
        />
      ) : null}
      {kites.isPending || (isRefused && shown === undefined) ? (
        <Card className="mt-12.5">
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {shown && shown.items.length === 0 && !isFiltered ? <NoKites /> : null}
      {shown && (shown.items.length > 0 || isFiltered) ? (
        <>
          <Filters
            kites={shown.items}
            selection={selection}
            refusal={isRefused ? sentence(refusal.mend || refusal.detail) : null}
            onChange={change}
          />
          <KiteTable
            kites={select(shown.items, selection)}
            selection={selection}
            onSort={sortBy}
            onClear={() => change({ q: '', version: '', kind: '' })}
          />
        </>
      ) : null}
    </Page>
  )
}

interface FiltersProps {
  kites: Kite[]
  selection: Selection
  /** Why the version could not be understood. */
  refusal: string | null
  onChange: (next: { q?: string; version?: string; kind?: string }) => void
}

function Filters({ kites, selection, refusal, onChange }: FiltersProps) {
  const counts = countByKind(kites)
  const choices = (['all', 'services', 'agents'] as const).map((kind) => ({
    value: kind,
    label: `${WORDS[kind]} ${counts[kind]}`,
  }))
  return (
    <div className="mb-3.5 flex flex-wrap items-center gap-3">
      <FilterField
        label="Filter by name, owner or host"
        placeholder="Name, owner, host"
        value={selection.text}
        onChange={(q) => onChange({ q })}
      />
      <div className="w-full max-w-52">
        <input
          type="search"
          aria-label="Version, or a constraint on it"
          aria-invalid={refusal === null ? undefined : true}
          aria-describedby={refusal === null ? undefined : 'version-refusal'}
          placeholder="Version: >= 1.0, < 2.0"
          className={cn(INPUT, 'h-9')}
          value={selection.version}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange({ version: event.target.value })}
        />
      </div>
      <Segments
        label="Kind"
        value={selection.kind}
        choices={choices}
        onChoose={(kind) => onChange({ kind: kind === 'all' ? '' : kind })}
      />
      {refusal === null ? null : (
        <p id="version-refusal" role="status" className="w-full text-sm text-bad">
          <Words text={refusal} />
        </p>
      )}
    </div>
  )
}

const WORDS = { all: 'All', services: 'Services', agents: 'Agents' }
