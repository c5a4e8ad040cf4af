// A team's list of workspaces, and the live list of one's own, as one list.

import type { Workspace } from '@/api/documents'

/** The live list knows one's own workspaces better; the team's list knows those of others. */
export function withNews(
  listed: Workspace[] | undefined,
  live: Workspace[] | undefined,
  team: string,
): Workspace[] | undefined {
  if (listed === undefined && live === undefined) return undefined
  const all = new Map(listed?.map((workspace) => [workspace.id, workspace]))
  for (const workspace of live ?? []) if (workspace.team.id === team) all.set(workspace.id, workspace)
  return [...all.values()]
}
