// The pretended world: people, workspaces, files, and a start that takes a few seconds.

import type {
  ApiToken,
  Entry,
  Image,
  LogLine,
  Phase,
  Session,
  Snapshot,
  Step,
  StepName,
  Support,
  User,
  Workspace,
} from '../src/api/documents'
import { MockTerminal } from './mock-terminal.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export interface World {
  setupNeeded: boolean
  signedIn: boolean
  users: User[]
  passwords: Map<string, string>
  sessions: Session[]
  tokens: ApiToken[]
  workspaces: Map<string, Workspace>
  logs: Map<string, LogLine[]>
  terminals: Map<string, MockTerminal[]>
  files: Map<string, Map<string, Buffer | null>>
  snapshots: Snapshot[]
  images: Image[]
  audit: { id: number; at: string; caller: string | null; action: string; subject: string; detail: string }[]
}

export const SUPPORT: Support = {
  usable: true,
  summary: 'as an ordinary user, cgroup v2, own network namespace with outbound NAT',
  lacks: [
    {
      what: 'no processor limit: the cpu controller is not delegated to this user',
      mend: 'sudo systemctl edit user@.service, add `Delegate=cpu memory pids`, then sign in again',
      fatal: false,
    },
    { what: 'clones cannot be fetched over IPv6', mend: 'give the machine an IPv6 route', fatal: false },
  ],
}

const TITLES: Record<StepName, string> = {
  prepare: 'Check repository and image',
  create: 'Create the sandbox',
  connect: 'Connect the agent',
  clone: 'Clone the repository',
}

let counter = 0
/** Ids that look like the real ones and sort by time. */
export function newId(prefix: string): string {
  counter += 1
  return `${prefix}_01k9x4m2${String(counter).padStart(4, '0')}c7v3qhf8rz0tye`
}

export function ago(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString()
}

export function emptyWorld(): World {
  return {
    setupNeeded: true,
    signedIn: false,
    users: [],
    passwords: new Map(),
    sessions: [],
    tokens: [],
    workspaces: new Map(),
    logs: new Map(),
    terminals: new Map(),
    files: new Map(),
    snapshots: [],
    images: [],
    audit: [],
  }
}

export function addUser(
  world: World,
  name: string,
  password: string,
  role: User['role'],
  email: string | null = null,
): User {
  const user: User = {
    id: newId('usr'),
    name,
    display_name: null,
    email,
    role,
    suspended_at: null,
    created_at: new Date().toISOString(),
  }
  world.users.push(user)
  world.passwords.set(name, password)
  return user
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

export function addWorkspace(
  world: World,
  given: {
    name: string
    url?: string | null
    ref?: string | null
    phase: Phase
    active?: number
    created?: number
    rootfs?: string
  },
): Workspace {
  const id = newId('ws')
  const owner = world.users[0]
  if (owner === undefined) throw new Error('nobody to own it')
  const short =
    given.url
      ?.split('/')
      .at(-1)
      ?.replace(/\.git$/, '') ?? 'hearth'
  const workspace: Workspace = {
    id,
    name: given.name,
    owner: { id: owner.id, name: owner.name },
    source: given.url ? { repository: given.url, ref: given.ref ?? null } : null,
    rootfs: given.rootfs ?? 'host',
    base: null,
    limits: { cpu_millis: 2000, memory_bytes: 4 * 2 ** 30, pids: 4096 },
    phase: given.phase,
    desired: given.phase === 'stopped' ? 'stopped' : 'running',
    failure: null,
    run: 1,
    steps: steps(),
    notices: [],
    folder: given.url ? `/workspace/${short}` : '/home/hearth',
    created_at: ago(given.created ?? 0),
    updated_at: new Date().toISOString(),
    last_activity_at: ago(given.active ?? 0),
  }
  world.workspaces.set(id, workspace)
  world.logs.set(id, [])
  world.files.set(id, files(workspace.folder))
  return workspace
}

/** A world with something in every state, for looking at pages. */
export function demoWorld(): World {
  const world = emptyWorld()
  world.setupNeeded = false
  world.signedIn = true
  addUser(world, 'ada', 'correct horse', 'admin', 'ada@example.com')
  addUser(world, 'grace', 'battery staple', 'member').created_at = ago(60 * 24 * 9)
  const linus = addUser(world, 'linus', 'much secret', 'member')
  linus.suspended_at = ago(300)
  linus.created_at = ago(60 * 24 * 30)
  world.sessions = [
    session('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36', 0, true),
    session(
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15',
      190,
      false,
    ),
  ]
  world.tokens = [
    {
      id: newId('tok'),
      name: 'laptop',
      scopes: ['all'],
      created_at: ago(60 * 24 * 40),
      expires_at: ago(-60 * 24 * 50),
      last_used_at: ago(4),
    },
    {
      id: newId('tok'),
      name: 'nightly job',
      scopes: ['workspaces:read', 'workspaces:write'],
      created_at: ago(60 * 24 * 3),
      expires_at: null,
      last_used_at: null,
    },
  ]

  const running = addWorkspace(world, {
    name: 'kindling',
    url: 'https://gitlab.com/hearthside/kindling.git',
    ref: 'main',
    phase: 'running',
    active: 0.2,
    created: 190,
  })
  running.notices = ['No processor limit: the cpu controller is not delegated to this user.']
  done(world, running)
  const image = addWorkspace(world, {
    name: 'flue-sensor',
    url: 'https://github.com/stove/flue-sensor',
    ref: 'fix/draught',
    phase: 'running',
    active: 41,
    created: 1500,
    rootfs: 'docker.io/library/rust:1.95',
  })
  done(world, image)
  const failed = addWorkspace(world, {
    name: 'old-chimney',
    url: 'https://git.example.com/masons/old-chimney',
    phase: 'failed',
    active: 12,
    created: 12,
  })
  fail(world, failed, 'clone')
  const stopped = addWorkspace(world, {
    name: 'ash-collector',
    url: 'https://gitlab.com/hearthside/ash-collector',
    phase: 'stopped',
    active: 60 * 27,
    created: 60 * 24 * 6,
  })
  done(world, stopped)
  addWorkspace(world, { name: 'scratch', phase: 'stopped', active: 60 * 24 * 16, created: 60 * 24 * 21 })
  const second = addWorkspace(world, {
    name: 'kindling-2',
    url: 'https://gitlab.com/hearthside/kindling',
    ref: 'release/1.x',
    phase: 'stopped',
    active: 60 * 5,
    created: 60 * 30,
  })
  done(world, second)

  world.snapshots = [
    {
      id: newId('snap'),
      workspace: running.id,
      workspace_name: 'kindling',
      source: running.source ?? null,
      rootfs: 'host',
      created_at: ago(55),
    },
    {
      id: newId('snap'),
      workspace: null,
      workspace_name: 'bellows-built',
      source: { repository: 'https://gitlab.com/hearthside/bellows', ref: null },
      rootfs: 'docker.io/library/debian:stable',
      created_at: ago(60 * 24 * 4),
    },
  ]
  world.images = [
    {
      id: 'sha256:3f1a',
      names: ['docker.io/library/debian:stable'],
      size_bytes: 121_000_000,
      created_at: ago(60 * 24 * 12),
    },
    {
      id: 'sha256:9c0d',
      names: ['docker.io/library/rust:1.95', 'registry.example.com/tools/rust:latest'],
      size_bytes: 1_540_000_000,
      created_at: ago(60 * 26),
    },
  ]
  const me = world.users[0]?.id ?? null
  world.audit = [
    ['workspace.start', running.id, 'run 1', 3],
    ['user.suspend', linus.id, 'linus', 300],
    ['token.create', 'tok_01k9x4m2', 'nightly job: workspaces:read, workspaces:write', 60 * 24 * 3],
    ['session.create', 'ses_01k9x4m2', 'Chrome on Linux', 60 * 24 * 3 + 2],
    ['platform.set_up', me ?? '', 'ada', 60 * 24 * 40],
  ].map(([action, subject, detail, minutes], index) => ({
    id: 100 - index,
    at: ago(Number(minutes)),
    caller: action === 'platform.set_up' ? null : me,
    action: String(action),
    subject: String(subject),
    detail: String(detail),
  }))
  return world
}

export function session(userAgent: string, minutes: number, current: boolean): Session {
  return {
    id: newId('ses'),
    user_agent: userAgent,
    created_at: ago(minutes + 600),
    last_seen_at: ago(minutes),
    expires_at: ago(-60 * 24 * 14),
    current,
  }
}

function files(folder: string): Map<string, Buffer | null> {
  const text = (...lines: string[]) => Buffer.from(`${lines.join('\n')}\n`)
  return new Map<string, Buffer | null>([
    [`${folder}/.gitignore`, text('/target')],
    [
      `${folder}/Cargo.toml`,
      text(
        '[package]',
        'name = "kindling"',
        'version = "0.3.1"',
        'edition = "2024"',
        '',
        '[dependencies]',
        'spark = "1"',
      ),
    ],
    [`${folder}/README.md`, text('# Kindling', '', 'Dry wood for a quick start.', '', '```sh', 'cargo test', '```')],
    [`${folder}/docs`, null],
    [`${folder}/docs/flue.md`, text('# The flue', '', 'It draws upwards.')],
    [`${folder}/logo.png`, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13])],
    [`${folder}/src`, null],
    [`${folder}/src/lib.rs`, text('//! Dry wood for a quick start.', '', 'mod spark;', '', 'pub use spark::Spark;')],
    ['/home/hearth', null],
  ])
}

export function listing(world: World, id: string, folder: string): Entry[] | null {
  const all = world.files.get(id) ?? new Map<string, Buffer | null>()
  const prefix = folder === '/' ? '/' : `${folder}/`
  const names = new Map<string, Entry>()
  for (const [path, bytes] of all) {
    if (!path.startsWith(prefix)) continue
    const [name = '', ...deeper] = path.slice(prefix.length).split('/')
    const isFolder = deeper.length > 0 || bytes === null
    if (!names.has(name) || isFolder) {
      names.set(name, {
        name,
        kind: isFolder ? 'folder' : 'file',
        size_bytes: bytes?.length ?? 0,
        modified_at: ago(34),
        mode: isFolder ? '755' : '644',
      })
    }
  }
  if (names.size === 0 && folder !== '/' && !all.has(folder)) return null
  const rank = (entry: Entry) => (entry.kind === 'folder' ? 0 : 1)
  return [...names.values()].toSorted((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name))
}

/** Writes a whole finished start into the workspace and its log. */
function done(world: World, workspace: Mutable<Workspace>): void {
  let at = Date.parse(workspace.created_at)
  for (const step of workspace.steps as Mutable<Step>[]) {
    step.state = 'done'
    step.started_at = new Date(at).toISOString()
    for (const [text, ms] of SCRIPT[step.name]) {
      at += ms
      log(world, workspace, step.name, text, at)
    }
    step.finished_at = new Date(at).toISOString()
  }
}

function fail(world: World, workspace: Mutable<Workspace>, at: StepName): void {
  done(world, workspace)
  const lines = world.logs.get(workspace.id) ?? []
  world.logs.set(
    workspace.id,
    lines.filter((line) => line.step !== at),
  )
  const step = workspace.steps.find(({ name }) => name === at) as Mutable<Step>
  step.state = 'failed'
  log(world, workspace, at, "Cloning into '/workspace/old-chimney'...", Date.now())
  log(world, workspace, at, '\x1b[31mremote: HTTP Basic: Access denied\x1b[0m', Date.now())
  log(
    world,
    workspace,
    at,
    '\x1b[31mfatal: Authentication failed for \x27https://git.example.com/masons/old-chimney/\x27\x1b[0m',
    Date.now(),
  )
  workspace.failure = {
    step: at,
    reason: '`https://git.example.com/masons/old-chimney` does not exist, or is private',
    mend: 'check the address; a private repository cannot be cloned without signing in to its forge',
    at: new Date().toISOString(),
  }
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
