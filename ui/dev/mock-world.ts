// The pretended world: what it holds, and how people and workspaces get into it.

import type {
  ApiToken,
  Forge,
  GitPreferences,
  Image,
  Invitation,
  Keys,
  Kite,
  KiteKey,
  KiteShare,
  Link,
  LogLine,
  Member,
  Phase,
  PlatformSettings,
  RegistryKey,
  Secret,
  Session,
  Snapshot,
  Source,
  SshKey,
  Support,
  Team,
  User,
  Workspace,
} from '../src/api/documents'
import { filesOf } from './mock-files.ts'
import { ago, newId } from './mock-ids.ts'
import { steps } from './mock-script.ts'
import type { MockTerminal } from './mock-terminal.ts'

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
  forges: Forge[]
  links: Link[]
  sshKey: SshKey | null
  git: GitPreferences
  teams: Team[]
  members: Map<string, Member[]>
  invitations: Map<string, Invitation[]>
  secrets: Map<string, Secret[]>
  keys: Keys
  kites: Kite[]
  kiteShares: Map<string, KiteShare[]>
  kiteKeys: KiteKey[]
  registryKeys: RegistryKey[]
  settings: PlatformSettings
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
    forges: [],
    links: [],
    sshKey: null,
    git: { author_name: null, author_email: null, sign_commits: false, dotfiles: null },
    teams: [everybody()],
    members: new Map(),
    invitations: new Map(),
    secrets: new Map(),
    keys: {
      platform_key: 'file',
      platform_key_version: '1',
      problem: null,
      data_keys: 0,
      wrapped_by_older: 0,
      retired: 0,
      secrets: 0,
      sealed_by_retired: 0,
      rotation: null,
    },
    kites: [],
    kiteShares: new Map(),
    kiteKeys: [],
    registryKeys: [],
    settings: {
      ssh_algorithm: 'ed25519',
      password_sign_in: true,
      make_teams: 'admins',
      default_team: 'everybody',
    },
    audit: [],
  }
}

function everybody(): Team {
  return {
    id: newId('team'),
    slug: 'everybody',
    name: 'Everybody',
    url: 'http://127.0.0.1:4173/t/everybody',
    role: 'owner',
    everybody: true,
    members: 1,
    rootfs: null,
    limits: null,
    created_at: ago(60 * 24 * 40),
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
    team?: string
    source?: Partial<Source>
  },
): Workspace {
  const id = newId('ws')
  const owner = world.users[0]
  if (owner === undefined) throw new Error('nobody to own it')
  const team = world.teams.find(({ slug }) => slug === (given.team ?? 'everybody'))
  if (team === undefined) throw new Error('no such team')
  const short =
    given.url
      ?.split('/')
      .at(-1)
      ?.replace(/\.git$/, '') ?? 'hearth'
  const workspace: Workspace = {
    id,
    name: given.name,
    owner: { id: owner.id, name: owner.name },
    team: { id: team.id, slug: team.slug, name: team.name },
    source: given.url ? { repository: given.url, ref: given.ref ?? null, ...given.source } : null,
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
  world.files.set(id, filesOf(workspace.folder))
  return workspace
}

export function session(userAgent: string, minutes: number, current: boolean): Session {
  return {
    id: newId('ses'),
    user_agent: userAgent,
    created_at: ago(minutes + 600),
    last_seen_at: ago(minutes),
    expires_at: ago(-60 * 24 * 14),
    signed_in_with: current ? null : 'GitLab',
    current,
  }
}
