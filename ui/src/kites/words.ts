// What is said about kites: how they are registered, why one may call them, how much they did.

import type { Kite, KiteVia } from '@/api/documents'

export const VIA: Record<KiteVia, { word: string; hint: string }> = {
  agent: { word: 'Agent', hint: 'It is the agent of a workspace, and there while the workspace runs.' },
  socket: { word: 'Socket', hint: 'Its connection to the registry keeps it here.' },
  http: { word: 'HTTP', hint: 'Its heartbeats over HTTP keep it here.' },
}

/** The seven fields as one text, as the protocol writes them. */
export function pathOf({ username, environment, name, version, region, hostname, id }: Kite): string {
  return `/${[username, environment, name, version, region, hostname, id].join('/')}`
}

/** What a share is about: a workspace, or all of somebody's services of a name. */
export interface Shared {
  /** What the server finds it by. */
  id: string
  name: string
  isWorkspace: boolean
  /** The name of the team whose members may call it anyway. */
  team: string | null
}

/** What a share of this kite is about: the workspace of an agent, all services of a name otherwise. */
export function sharedOf({ id, workspace, hostname, environment, name, team }: Kite): Shared {
  if (workspace != null) return { id: workspace, name: hostname, isWorkspace: true, team: null }
  return { id, name: `${environment}/${name}`, isWorkspace: false, team: team?.name ?? null }
}

/** Why the person may call it, or may not. */
export function rightOf(kite: Kite, me: string | undefined): string {
  const { owner, team, workspace, may_call } = kite
  if (owner.id === me) return may_call ? 'You may call it: it is yours' : 'You may not call it at the moment'
  if (may_call) {
    const isShared = `${owner.name} shared it with you`
    return `You may call it: ${team ? `you belong to ${team.name}, or ${isShared}` : isShared}`
  }
  return workspace == null
    ? `You see that it is there. Only ${owner.name}${team ? `, members of ${team.name}` : ''} and whom ${owner.name} shares it with may call it`
    : `You see it as an administrator. Only ${owner.name} and whom ${owner.name} shares it with may call it`
}

/** Whether the workspace of an agent has a page for this person: its owner's, or one who sees it to manage it. */
export function showsWorkspace({ workspace, owner, may_call }: Kite, me: { id: string; role: string }): boolean {
  return workspace != null && (owner.id === me.id || me.role === 'admin' || !may_call)
}

const COUNT = new Intl.NumberFormat('en')

/** A count as a table shows it: `12,408`. */
export function count(number: number): string {
  return COUNT.format(number)
}

/** `1 kite`, `3 kites`. */
export function kites(number: number): string {
  return number === 1 ? '1 kite' : `${count(number)} kites`
}
