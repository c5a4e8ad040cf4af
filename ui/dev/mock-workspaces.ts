// Routes of the stand-in that are about workspaces.

import type { Workspace } from '../src/api/documents'
import { type Call, empty, json, list, problem, type Route, stream } from './mock-answer.ts'
import { listing } from './mock-files.ts'
import { ago, newId } from './mock-ids.ts'
import { sendLine, start } from './mock-start.ts'
import { change, state, tell } from './mock-state.ts'
import { MockTerminal } from './mock-terminal.ts'
import { addWorkspace } from './mock-world.ts'

export const WORKSPACE_ROUTES: Route[] = [
  ['GET', /^events$/, events],
  [
    'GET',
    /^workspaces$/,
    ({ response, query }) => {
      const team = query.get('team')
      const all = [...state.world.workspaces.values()].toReversed()
      list(response, team === null ? all : all.filter((workspace) => workspace.team.slug === team))
    },
  ],
  ['POST', /^workspaces$/, createWorkspace],
  [
    'GET',
    /^workspaces\/(\w+)$/,
    (call, id) => withWorkspace(call, id, (workspace) => json(call.response, 200, workspace)),
  ],
  ['PATCH', /^workspaces\/(\w+)$/, (call, id) => withWorkspace(call, id, (workspace) => rename(call, workspace))],
  ['DELETE', /^workspaces\/(\w+)$/, (call, id) => withWorkspace(call, id, (workspace) => remove(call, workspace))],
  [
    'POST',
    /^workspaces\/(\w+)\/start$/,
    (call, id) =>
      withWorkspace(call, id, (workspace) => {
        workspace.run += 1
        state.world.logs.set(workspace.id, [])
        start(workspace)
        json(call.response, 202, workspace)
      }),
  ],
  ['POST', /^workspaces\/(\w+)\/stop$/, (call, id) => withWorkspace(call, id, (workspace) => stop(call, workspace))],
  [
    'POST',
    /^workspaces\/(\w+)\/fork$/,
    (call, id) =>
      withWorkspace(call, id, (workspace) => {
        const fork = addWorkspace(state.world, {
          name: `${workspace.name}-fork`,
          url: workspace.source?.repository ?? null,
          phase: 'queued',
        })
        start(fork)
        json(call.response, 202, fork)
      }),
  ],
  [
    'POST',
    /^workspaces\/(\w+)\/snapshot$/,
    (call, id) =>
      withWorkspace(call, id, (workspace) => {
        if (workspace.phase === 'running')
          return problem(
            call.response,
            409,
            'not_stopped',
            `workspace \`${workspace.name}\` is running`,
            'stop it first',
          )
        const snapshot = {
          id: newId('snap'),
          workspace: workspace.id,
          workspace_name: workspace.name,
          source: workspace.source ?? null,
          rootfs: workspace.rootfs,
          created_at: ago(0),
        }
        state.world.snapshots.unshift(snapshot)
        json(call.response, 201, snapshot)
      }),
  ],
  ['GET', /^workspaces\/(\w+)\/log$/, (call, id) => withWorkspace(call, id, (workspace) => readLog(call, workspace))],
  [
    'GET',
    /^workspaces\/(\w+)\/terminals$/,
    ({ response }, id) =>
      list(
        response,
        (state.world.terminals.get(id ?? '') ?? []).map((terminal) => terminal.info()),
      ),
  ],
  [
    'POST',
    /^workspaces\/(\w+)\/terminals$/,
    ({ response }, id = '') => {
      const terminals = state.world.terminals.get(id) ?? []
      const terminal = new MockTerminal((terminals.at(-1)?.id ?? 0) + 1)
      state.world.terminals.set(id, [...terminals, terminal])
      json(response, 201, terminal.info())
    },
  ],
  [
    'DELETE',
    /^workspaces\/(\w+)\/terminals\/(\d+)$/,
    ({ response }, id = '', terminal) => {
      const terminals = state.world.terminals.get(id) ?? []
      terminals.find((item) => item.id === Number(terminal))?.hangUp()
      state.world.terminals.set(
        id,
        terminals.filter((item) => item.id !== Number(terminal)),
      )
      empty(response)
    },
  ],
  ['GET', /^workspaces\/(\w+)\/usage$/, usage],
  ['GET', /^workspaces\/(\w+)\/files(\/.*)?$/, readFile],
  [
    'PUT',
    /^workspaces\/(\w+)\/files(\/.*)$/,
    ({ response, query, raw }, id = '', path = '') => {
      state.world.files.get(id)?.set(decodeURIComponent(path), query.get('kind') === 'folder' ? null : raw)
      empty(response)
    },
  ],
  [
    'DELETE',
    /^workspaces\/(\w+)\/files(\/.*)$/,
    ({ response }, id = '', path = '') => {
      const gone = decodeURIComponent(path)
      for (const name of state.world.files.get(id)?.keys() ?? []) {
        if (name === gone || name.startsWith(`${gone}/`)) state.world.files.get(id)?.delete(name)
      }
      empty(response)
    },
  ],
]

/** The repository of an address: without prefixes, and without what forges put behind it. */
function repositoryOf(address: string): string {
  return address
    .replace(/^.*?(?=https?:)/, '')
    .replace(/\/-\/.*$/, '')
    .replace(/\/(tree|blob|pull|issues)\/.*$/, '')
}

function createWorkspace({ response, body }: Call): void {
  const address = (body.url as string | null) ?? null
  const url = address === null ? null : repositoryOf(address)
  const name =
    (body.name as string | undefined) ??
    url
      ?.split('/')
      .at(-1)
      ?.replace(/\.git$/, '') ??
    'workspace'
  if ([...state.world.workspaces.values()].some((workspace) => workspace.name === body.name)) {
    return problem(response, 409, 'name_taken', `you have a workspace named \`${name}\` already`, 'choose another name')
  }
  const taken = new Set([...state.world.workspaces.values()].map((workspace) => workspace.name))
  let free = name
  for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`
  const workspace = addWorkspace(state.world, {
    name: free,
    url,
    ref: (body.ref as string) ?? null,
    phase: 'queued',
    rootfs: (body.rootfs as string) ?? 'host',
    team: (body.team as string) ?? 'everybody',
  })
  start(workspace)
  json(response, 202, workspace)
}

function rename({ response, body }: Call, workspace: Workspace): void {
  const name = String(body.name)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    return problem(
      response,
      422,
      'invalid',
      `\`${name}\` cannot be a workspace name: only lower-case letters, digits and inner hyphens`,
      'choose another name',
    )
  }
  change(workspace, { name })
  json(response, 200, workspace)
}

function stop({ response }: Call, workspace: Workspace): void {
  change(workspace, { phase: 'stopping', desired: 'stopped' })
  json(response, 202, workspace)
  setTimeout(() => {
    for (const terminal of state.world.terminals.get(workspace.id) ?? []) terminal.hangUp()
    state.world.terminals.delete(workspace.id)
    change(workspace, { phase: 'stopped' })
  }, 700)
}

function remove({ response }: Call, workspace: Workspace): void {
  change(workspace, { phase: 'deleting', desired: 'deleted' })
  json(response, 202, workspace)
  setTimeout(() => {
    state.world.workspaces.delete(workspace.id)
    tell({ id: workspace.id, workspace: null })
  }, 700)
}

function events({ response }: Call): void {
  stream(response)
  state.watchers.add(response)
  response.on('close', () => state.watchers.delete(response))
}

function readLog({ response, query }: Call, workspace: Workspace): void {
  const after = Number(query.get('after') ?? 0)
  const lines = (state.world.logs.get(workspace.id) ?? []).filter((line) => line.sequence > after)
  if (query.get('follow') === 'false') return json(response, 200, lines)
  stream(response)
  for (const line of lines) sendLine(response, line)
  const set = state.readers.get(workspace.id) ?? new Set()
  state.readers.set(workspace.id, set.add(response))
  response.on('close', () => set.delete(response))
}

let cpu = 40_000_000
function usage({ response }: Call): void {
  const wave = (Math.sin(Date.now() / 9000) + 1) / 2
  cpu += Math.round(400_000 + 2_400_000 * wave * Math.random())
  json(response, 200, {
    cpu_micros: cpu,
    memory_bytes: Math.round((0.6 + wave * 0.5) * 2 ** 30),
    pids: Math.round(18 + wave * 20),
    limits: { cpu_millis: 2000, memory_bytes: 4 * 2 ** 30, pids: 4096 },
    disk_free_bytes: 211 * 2 ** 30,
    disk_total_bytes: 494 * 2 ** 30,
    last_activity_at: ago(0.1),
  })
}

function readFile({ response }: Call, id = '', path = '/'): void {
  const wanted = decodeURIComponent(path).replace(/(.)\/$/, '$1')
  const bytes = state.world.files.get(id)?.get(wanted)
  if (bytes) {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'hearth-kind': 'file' })
    return void response.end(bytes)
  }
  const entries = listing(state.world, id, wanted)
  if (entries === null) return problem(response, 404, 'not_found', `there is no \`${wanted}\``, 'check the path')
  response.setHeader('hearth-kind', 'folder')
  json(response, 200, { entries, truncated: false })
}

function withWorkspace(call: Call, id: string | undefined, act: (workspace: Workspace) => void): void {
  const workspace = state.world.workspaces.get(id ?? '')
  if (workspace === undefined)
    return problem(call.response, 404, 'not_found', `there is no workspace \`${id}\``, 'list your workspaces')
  act(workspace)
}
