// Which kites the list shows, in which order: pure, so that the URL alone decides.

import type { Kite } from '@/api/documents'
import type { Direction } from '@/ui/table'
import { VIA } from './words'

export type SortKey = 'name' | 'owner' | 'host' | 'since' | 'calls' | 'errors' | 'tokens'
export type Kind = 'all' | 'services' | 'agents'

export interface Selection {
  text: string
  /** A version, or a constraint such as `>= 1.0, < 2.0`. What it means is the server's to say. */
  version: string
  kind: Kind
  sort: SortKey
  direction: Direction
}

const SORTS = ['name', 'owner', 'host', 'since', 'calls', 'errors', 'tokens'] as const

interface Search {
  q?: string
  version?: string
  kind?: string
  sort?: string
  order?: string
}

/** Reads the selection out of the query; whatever it does not know is as if it were not there. */
export function readSelection(search: Search): Selection {
  const sort = SORTS.find((key) => key === search.sort) ?? 'name'
  const direction = search.order === 'up' ? 'ascending' : search.order === 'down' ? 'descending' : firstDirection(sort)
  return {
    text: search.q ?? '',
    version: search.version ?? '',
    kind: (['services', 'agents'] as const).find((kind) => kind === search.kind) ?? 'all',
    sort,
    direction,
  }
}

/** The direction a column is sorted in first: names from A, times from now, counts from the most. */
export function firstDirection(sort: SortKey): Direction {
  return sort === 'name' || sort === 'owner' || sort === 'host' ? 'ascending' : 'descending'
}

/** The kites that are shown. The version is not looked at: the server has done that. */
export function select(kites: Kite[], { text, kind, sort, direction }: Selection): Kite[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const sign = direction === 'ascending' ? 1 : -1
  return kites
    .filter((kite) => kind === 'all' || kindOf(kite) === kind)
    .filter((kite) => words.every((word) => searchText(kite).includes(word)))
    .toSorted((one, other) => sign * compare(one, other, sort) || byName(one, other))
}

/** How many there are of each kind, for the filter's buttons. */
export function countByKind(kites: Kite[]): Record<Kind, number> {
  const counts = { all: kites.length, services: 0, agents: 0 }
  for (const kite of kites) counts[kindOf(kite)] += 1
  return counts
}

function kindOf({ workspace }: Kite): Exclude<Kind, 'all'> {
  return workspace == null ? 'services' : 'agents'
}

function searchText(kite: Kite): string {
  const { name, environment, owner, team, version, region, hostname, id, via } = kite
  const parts = [name, environment, owner.name, team?.name ?? '', version, region, hostname, id, VIA[via].word]
  return parts.join(' ').toLowerCase()
}

function byName(one: Kite, other: Kite): number {
  return (
    one.name.localeCompare(other.name) ||
    one.environment.localeCompare(other.environment) ||
    one.hostname.localeCompare(other.hostname) ||
    one.id.localeCompare(other.id)
  )
}

function compare(one: Kite, other: Kite, sort: SortKey): number {
  switch (sort) {
    case 'name':
      return byName(one, other)
    case 'owner':
      return one.owner.name.localeCompare(other.owner.name)
    case 'host':
      return one.hostname.localeCompare(other.hostname)
    case 'since':
      return Date.parse(one.registered_at) - Date.parse(other.registered_at)
    // What a kite does not tell comes after whatever another tells.
    case 'calls':
      return (one.calls ?? -1) - (other.calls ?? -1)
    case 'errors':
      return (one.errors ?? -1) - (other.errors ?? -1)
    case 'tokens':
      return one.tokens - other.tokens
  }
}
