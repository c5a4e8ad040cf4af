// What a start writes, step by step.

import type { LogLine, Step, StepName, Workspace } from '../src/api/documents'
import type { World } from './mock-world.ts'

const TITLES: Record<StepName, string> = {
  prepare: 'Check repository and image',
  create: 'Create the sandbox',
  connect: 'Connect the agent',
  clone: 'Clone the repository',
}

export function steps(states: Partial<Record<StepName, Step['state']>> = {}): Step[] {
  return (Object.keys(TITLES) as StepName[]).map((name) => ({
    name,
    title: TITLES[name],
    state: states[name] ?? 'pending',
    started_at: null,
    finished_at: null,
    detail: null,
  }))
}

export function log(world: World, workspace: Workspace, step: StepName, text: string, at = Date.now()): LogLine {
  const lines = world.logs.get(workspace.id) ?? []
  const line: LogLine = { sequence: lines.length + 1, time: new Date(at).toISOString(), step, text }
  lines.push(line)
  world.logs.set(workspace.id, lines)
  return line
}

/** What each step writes, and how long each line takes. */
export const SCRIPT: Record<StepName, [text: string, ms: number][]> = {
  prepare: [
    ['repository answers, default branch is \x1b[1mmain\x1b[0m', 320],
    ['root file system: this machine', 40],
  ],
  create: [
    ['overlay with 1 layer below', 12],
    ['network namespace with outbound NAT', 18],
    ['limits: \x1b[36m2 cores\x1b[0m, \x1b[36m4 GB\x1b[0m, \x1b[36m4096 processes\x1b[0m', 9],
  ],
  connect: [['agent 0.1.0 connected', 24]],
  clone: [
    ["Cloning into '/workspace/kindling'...", 180],
    ['remote: Enumerating objects: 1284, done.', 240],
    ['remote: Compressing objects: 100% (611/611), done.', 300],
    ['Receiving objects: 100% (1284/1284), 1.20 MiB | 3.10 MiB/s, done.', 420],
    ['Resolving deltas: 100% (702/702), done.', 160],
    ['HEAD is now at \x1b[33me83c516\x1b[0m Light the first fire', 60],
  ],
}
