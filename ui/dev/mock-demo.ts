// A world with something in every state.

import type { Step, StepName, Workspace } from '../src/api/documents'
import { addDemoForges } from './mock-demo-forges.ts'
import { addDemoKites } from './mock-demo-kites.ts'
import { addDemoTeams } from './mock-demo-teams.ts'
import { ago, newId } from './mock-ids.ts'
import { log, SCRIPT } from './mock-script.ts'
import { addUser, addWorkspace, emptyWorld, session, type World } from './mock-world.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** For looking at pages. */
export function demoWorld(): World {
  const world = emptyWorld()
  world.setupNeeded = false
  world.signedIn = true
  addUser(world, 'ada', 'correct horse', 'admin', 'ada@example.com')
  addUser(world, 'grace', 'battery staple', 'member').created_at = ago(60 * 24 * 9)
  const linus = addUser(world, 'linus', 'much secret', 'member')
  linus.suspended_at = ago(300)
  linus.created_at = ago(60 * 24 * 30)
  addDemoTeams(world)
  addDemoForges(world)
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

  const review = addWorkspace(world, {
    name: 'kindling-mr-7',
    url: 'https://gitlab.com/grace/kindling',
    ref: 'fix-draught',
    phase: 'running',
    active: 3,
    created: 60,
    team: 'sweeps',
    source: {
      ref_kind: 'branch',
      revision: 'e83c5163316f89bfbde7d9ab23ca2e25604af290',
      upstream: 'https://gitlab.com/hearthside/kindling',
      title: '!7: Mend the draught when the wind turns',
    },
  })
  done(world, review)
  addDemoKites(world)

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
