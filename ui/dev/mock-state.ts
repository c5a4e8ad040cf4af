// What the stand-in holds, and who listens to it.

import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { StepName, Workspace } from '../src/api/documents'
import { demoWorld } from './mock-demo.ts'
import { emptyWorld, type World } from './mock-world.ts'

export const state = {
  world: process.env.HEARTH_MOCK_WORLD === 'fresh' ? emptyWorld() : demoWorld(),
  /** Whether it pretends that the server is gone. */
  isDown: false,
  /** The team whose own host it pretends to be. */
  teamHost: null as string | null,
  /** How much slower than the script a start goes. */
  pace: 2,
  watchers: new Set<ServerResponse>(),
  kiteWatchers: new Set<ServerResponse>(),
  readers: new Map<string, Set<ServerResponse>>(),
  sockets: new Set<Duplex>(),
}

/** Forgets everything and begins with another world. */
export function reset(world: World, pace: number): void {
  state.world = world
  state.pace = pace
  state.isDown = false
  state.teamHost = null
}

/** Breaks every connection there is. */
export function dropConnections(): void {
  for (const watcher of [...state.watchers, ...state.kiteWatchers]) watcher.destroy()
  for (const readers of state.readers.values()) for (const reader of readers) reader.destroy()
  for (const socket of state.sockets) socket.destroy()
}

export function change(workspace: Workspace, changes: Partial<Workspace>): void {
  Object.assign(workspace, changes, { updated_at: new Date().toISOString() })
  tell({ id: workspace.id, workspace })
}

export function changeStep(workspace: Workspace, name: StepName, changes: Partial<Workspace['steps'][number]>): void {
  workspace.steps = workspace.steps.map((item) => (item.name === name ? { ...item, ...changes } : item))
}

export function tell(message: { id: string; workspace: Workspace | null }): void {
  for (const watcher of state.watchers) watcher.write(`event: workspace\ndata: ${JSON.stringify(message)}\n\n`)
}
