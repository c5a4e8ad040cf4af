// Which workspaces the list shows, in which order: pure, so that the URL alone decides.

import type { Workspace } from '@/api/documents'
import { repositoryName } from '@/repository/address'
import type { Direction } from '@/ui/table'
import { meaning, type Tone } from '@/workspace/phase'

export type SortKey = 'name' | 'state' | 'activity' | 'created'

export interface Selection {
  text: string
  tone: Tone | 'all'
  sort: SortKey
  direction: Direction
}

/** What is worth one's attention comes first. */
const URGENCY: Tone[] = ['failed', 'busy', 'running', 'stopped']

/** Reads the selection out of the query; whatever it does not know is as if it were not there. */
export function readSelection(search: { q?: string; state?: string; sort?: string; order?: string }): Selection {
  const sort = (['name', 'state', 'activity', 'created'] as const).find((key) => key === search.sort) ?? 'activity'
  const direction = search.order === 'up' ? 'ascending' : search.order === 'down' ? 'descending' : firstDirection(sort)
  return {
    text: search.q ?? '',
    tone: URGENCY.find((tone) => tone === search.state) ?? 'all',
    sort,
    direction,
  }
}

/** The direction a column is sorted in first: names from A, times from now. */
export function firstDirection(sort: SortKey): Direction {
  return sort === 'name' || sort === 'state' ? 'ascending' : 'descending'
}

export function select(workspaces: Workspace[], { text, tone, sort, direction }: Selection): Workspace[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const sign = direction === 'ascending' ? 1 : -1
  return workspaces
    .filter((workspace) => tone === 'all' || meaning(workspace.phase).tone === tone)
    .filter((workspace) => words.every((word) => searchText(workspace).includes(word)))
    .toSorted((one, other) => sign * compare(one, other, sort) || one.name.localeCompare(other.name))
}

/** How many there are of each tone, for the filter's buttons. */
export function countByTone(workspaces: Workspace[]): Record<Tone | 'all', number> {
  const counts = { all: workspaces.length, failed: 0, busy: 0, running: 0, stopped: 0 }
  for (const { phase } of workspaces) counts[meaning(phase).tone] += 1
  return counts
}

function searchText(workspace: Workspace): string {
  const source = workspace.source
  const parts = [workspace.name, workspace.id, workspace.owner.name, workspace.rootfs]
  if (source) parts.push(repositoryName(source.repository), source.repository, source.ref ?? '')
  return parts.join(' ').toLowerCase()
}

function compare(one: Workspace, other: Workspace, sort: SortKey): number {
  switch (sort) {
    case 'name':
      return one.name.localeCompare(other.name)
    case 'state':
      return URGENCY.indexOf(meaning(one.phase).tone) - URGENCY.indexOf(meaning(other.phase).tone)
    case 'activity':
      return Date.parse(one.last_activity_at) - Date.parse(other.last_activity_at)
    case 'created':
      return Date.parse(one.created_at) - Date.parse(other.created_at)
  }
}
