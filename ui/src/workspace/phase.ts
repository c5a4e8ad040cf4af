// What each phase means to a person: one table for badges, filters, titles and icons.

import type { Phase, Workspace } from '@/api/documents'

/** How a phase looks. */
export type Tone = 'running' | 'busy' | 'failed' | 'stopped'

interface Meaning {
  word: string
  tone: Tone
}

const MEANINGS: Record<Phase, Meaning> = {
  queued: { word: 'Queued', tone: 'busy' },
  preparing: { word: 'Preparing', tone: 'busy' },
  creating: { word: 'Creating', tone: 'busy' },
  starting: { word: 'Connecting', tone: 'busy' },
  initialising: { word: 'Cloning', tone: 'busy' },
  running: { word: 'Running', tone: 'running' },
  stopping: { word: 'Stopping', tone: 'busy' },
  stopped: { word: 'Stopped', tone: 'stopped' },
  failed: { word: 'Failed', tone: 'failed' },
  deleting: { word: 'Deleting', tone: 'busy' },
  deleted: { word: 'Deleted', tone: 'stopped' },
}

export function meaning(phase: Phase): Meaning {
  return MEANINGS[phase] ?? { word: phase, tone: 'busy' }
}

/** Whether a start is under way: the start page is what to show. */
export function isStarting(phase: Phase): boolean {
  return ['queued', 'preparing', 'creating', 'starting', 'initialising'].includes(phase)
}

/** Whether it is on its way out. Nothing can be asked of it any more. */
export function isLeaving(phase: Phase): boolean {
  return phase === 'deleting' || phase === 'deleted'
}

export function canStart(phase: Phase): boolean {
  return phase === 'stopped' || phase === 'failed' || phase === 'stopping'
}

export function canStop(phase: Phase): boolean {
  return isStarting(phase) || phase === 'running' || phase === 'failed'
}

/** Whether a start has failed and what it left is being cleared away; then it will be `failed`. */
export function isClearing({ phase, steps }: Pick<Workspace, 'phase' | 'steps'>): boolean {
  return phase === 'stopping' && steps.some((step) => step.state === 'failed')
}

/** The few words behind the badge: which step runs, why it failed, what comes after. */
export function reason(workspace: Pick<Workspace, 'phase' | 'desired' | 'failure' | 'steps'>): string | null {
  if (workspace.phase === 'failed') return workspace.failure?.reason ?? null
  if (isClearing(workspace)) return 'clearing up after the failure'
  if (workspace.phase === 'stopping' && workspace.desired === 'running') return 'starts again afterwards'
  if (!isStarting(workspace.phase)) return null
  const running = workspace.steps.find((step) => step.state === 'running')
  return running?.detail ?? null
}
