// The table of kites.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EyeOff } from 'lucide-react'
import { useState } from 'react'
import type { Kite } from '@/api/documents'
import { meQuery } from '@/api/session'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Moment } from '@/ui/moment'
import { Cell, Head, Row, SortHead, Table } from '@/ui/table'
import { Tooltip } from '@/ui/tooltip'
import type { Selection, SortKey } from './selection'
import { count, showsWorkspace, VIA } from './words'

/** So many rows at first: thousands are for the filter. */
const ROWS = 200

interface KiteTableProps {
  kites: Kite[]
  selection: Selection
  onSort: (key: SortKey) => void
  onClear: () => void
}

export function KiteTable({ kites, selection, onSort, onClear }: KiteTableProps) {
  const [most, setMost] = useState(ROWS)
  const column = (key: SortKey) => ({
    sorted: selection.sort === key ? selection.direction : null,
    onSort: () => onSort(key),
  })
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <Table label="Kites">
        <thead>
          <tr>
            <SortHead {...column('name')}>Kite</SortHead>
            <SortHead {...column('host')} className="max-md:hidden">
              Host
            </SortHead>
            <SortHead {...column('owner')} className="max-md:hidden">
              Owner
            </SortHead>
            <Head className="max-sm:hidden">Version</Head>
            <Head className="max-lg:hidden">Via</Head>
            <SortHead {...column('since')}>Connected</SortHead>
            <SortHead {...column('calls')} className="text-right max-lg:hidden">
              Calls
            </SortHead>
            <SortHead {...column('errors')} className="text-right max-lg:hidden">
              Errors
            </SortHead>
            <SortHead {...column('tokens')} className="text-right max-lg:hidden">
              Tokens
            </SortHead>
          </tr>
        </thead>
        <tbody>
          {kites.slice(0, most).map((kite) => (
            <KiteRow key={kite.id} kite={kite} />
          ))}
          {kites.length === 0 ? (
            <tr>
              <td colSpan={9} className="px-4 py-12 text-center text-muted">
                No kite matches.{' '}
                <button
                  type="button"
                  className="min-h-6 font-medium text-accent-text underline underline-offset-2"
                  onClick={onClear}
                >
                  Show all
                </button>
              </td>
            </tr>
          ) : null}
        </tbody>
      </Table>
      {kites.length > most ? (
        <p className="flex flex-wrap items-center justify-center gap-3 text-muted">
          {count(most)} of {count(kites.length)} are shown.
          <Button size="sm" onClick={() => setMost(most + ROWS)}>
            Show {count(Math.min(ROWS, kites.length - most))} more
          </Button>
        </p>
      ) : null}
    </div>
  )
}

function KiteRow({ kite }: { kite: Kite }) {
  const { id, name, environment, owner, team, version, region, may_call, connected } = kite
  return (
    <Row className="relative">
      <Cell className="w-[24%] max-w-0 min-w-36">
        <span className="flex min-w-0 items-center gap-2">
          {/* The link covers the row, so the whole row can be clicked; what is above it has its own place. */}
          <Link
            to="/kites/$id"
            params={{ id }}
            className="truncate font-semibold before:absolute before:inset-0 before:content-['']"
          >
            {name}
          </Link>
          {may_call ? null : <SeenOnly />}
        </span>
        <span className="block truncate text-sm text-muted">
          {/* Where there is no column for the host. That of an agent says it all. */}
          <span className={cn(kite.workspace != null && 'max-md:hidden')}>{environment}</span>
          <span className="md:hidden">
            {kite.workspace == null ? ' · ' : ''}
            {kite.hostname}
          </span>
        </span>
      </Cell>
      <Cell className="w-[18%] max-w-0 min-w-32 max-md:hidden">
        <Host kite={kite} />
        <span className="block truncate text-sm text-muted">{region}</span>
      </Cell>
      <Cell className="max-w-40 max-md:hidden">
        <span className="block truncate">{owner.name}</span>
        {team ? <span className="block truncate text-sm text-muted">{team.name}</span> : null}
      </Cell>
      <Cell className="max-w-28 truncate font-mono text-sm max-sm:hidden" title={version}>
        {version}
      </Cell>
      <Cell className="text-muted max-lg:hidden">{VIA[kite.via].word}</Cell>
      <Cell className="text-muted whitespace-nowrap">
        {connected ? <Moment at={kite.registered_at} /> : <Badge tone="busy">Coming back</Badge>}
      </Cell>
      <Amount value={kite.calls} what="calls" />
      <Amount value={kite.errors} what="errors" isBad />
      <Amount value={kite.tokens} what="tokens" />
    </Row>
  )
}

/** The machine; of an agent, its workspace, which is a place to go. */
function Host({ kite }: { kite: Kite }) {
  const { data: me } = useQuery(meQuery)
  const { workspace, hostname } = kite
  if (workspace == null || !me || !showsWorkspace(kite, me)) return <span className="block truncate">{hostname}</span>
  return (
    <Link
      to="/w/$id"
      params={{ id: workspace }}
      aria-label={`Workspace ${hostname}`}
      className="relative block truncate underline decoration-line-strong underline-offset-2 hover:decoration-accent"
    >
      {hostname}
    </Link>
  )
}

function SeenOnly() {
  return (
    <Tooltip words="You see it and may not call it.">
      <span className="relative grid h-5 w-6 shrink-0 place-items-center text-muted">
        <EyeOff aria-hidden className="size-3.5" />
        <span className="sr-only">You may not call it.</span>
      </span>
    </Tooltip>
  )
}

interface AmountProps {
  value: number | null | undefined
  what: string
  isBad?: boolean
}

function Amount({ value, what, isBad }: AmountProps) {
  return (
    <Cell className="text-right tabular-nums max-lg:hidden">
      {value == null ? (
        <span className="text-muted" title={`It does not tell its ${what}.`}>
          <span aria-hidden>–</span>
          <span className="sr-only">not told</span>
        </span>
      ) : (
        <span className={cn(isBad && value > 0 ? 'font-medium text-bad' : 'text-muted')}>{count(value)}</span>
      )}
    </Cell>
  )
}
