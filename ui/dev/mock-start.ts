// A start as the stand-in plays it: each step with its lines, then running. A URL with `missing` in it fails.

import type { ServerResponse } from 'node:http'
import type { StepName, Workspace } from '../src/api/documents'
import { ago } from './mock-ids.ts'
import { log, SCRIPT, steps } from './mock-script.ts'
import { change, changeStep, state } from './mock-state.ts'

export function start(workspace: Workspace): void {
  change(workspace, { phase: 'queued', desired: 'running', failure: null, steps: steps() })
  const phases = { prepare: 'preparing', create: 'creating', connect: 'starting', clone: 'initialising' } as const
  let delay = 250
  for (const name of Object.keys(phases) as StepName[]) {
    later(workspace, delay, () => {
      changeStep(workspace, name, { state: 'running', started_at: ago(0) })
      change(workspace, { phase: phases[name] })
    })
    for (const [text, ms] of SCRIPT[name]) {
      delay += ms * state.pace
      later(workspace, delay, () => {
        const line = log(state.world, workspace, name, text)
        for (const reader of state.readers.get(workspace.id) ?? []) sendLine(reader, line)
        if (name === 'clone')
          changeStep(workspace, name, {
            detail: `Receiving objects: ${Math.min(99, Math.round(Math.random() * 100))} %`,
          })
        change(workspace, {})
      })
    }
    const fails = name === 'clone' && workspace.source?.repository.includes('missing')
    later(workspace, delay + 60, () => {
      changeStep(workspace, name, { state: fails ? 'failed' : 'done', finished_at: ago(0), detail: null })
      if (fails) {
        const failure = {
          step: name,
          reason: `\`${workspace.source?.repository}\` does not exist, or is private`,
          mend: 'check the address, or sign in to its forge',
          at: ago(0),
        }
        change(workspace, { phase: 'failed', failure })
      } else if (name === 'clone') {
        change(workspace, { phase: 'running', last_activity_at: ago(0) })
      } else {
        change(workspace, {})
      }
    })
    delay += 120
  }
}

function later(workspace: Workspace, ms: number, act: () => void): void {
  const { run } = workspace
  setTimeout(() => {
    const present = state.world.workspaces.get(workspace.id)
    if (present?.run === run && present.desired === 'running') act()
  }, ms)
}

export function sendLine(response: ServerResponse, line: { sequence: number }): void {
  response.write(`event: line\nid: ${line.sequence}\ndata: ${JSON.stringify(line)}\n\n`)
}
