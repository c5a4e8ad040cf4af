// Routes of the stand-in about the registry, and what goes on there.

import type { Kite } from '../src/api/documents'
import { type Call, empty, json, list, problem, type Route, stream } from './mock-answer.ts'
import { addKite, registryKey, REGISTRY } from './mock-demo-kites.ts'
import { ago, newId } from './mock-ids.ts'
import { state } from './mock-state.ts'

const CONTENT = `eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImI3UXgwVnQ1ZDJtWXdSMWMifQ.${'eyJpc3MiOiJoZWFydGgiLCJzdWIiOiJhZGEifQ'.repeat(9)}.${'c2lnbmF0dXJl'.repeat(20)}`

export const KITE_ROUTES: Route[] = [
  ['GET', /^kites$/, listKites],
  ['GET', /^kites\/events$/, watch],
  ['GET', /^kites\/([^/]+)$/, (call, id) => withKite(call, id, (kite) => json(call.response, 200, kite))],
  ['POST', /^kites\/([^/]+)\/token$/, (call, id) => withKite(call, id, (kite) => token(call, kite))],
  [
    'GET',
    /^kites\/([^/]+)\/shares$/,
    (call, id) => withShared(call, id, (of) => list(call.response, state.world.kiteShares.get(of.id) ?? [])),
  ],
  ['PUT', /^kites\/([^/]+)\/shares\/([^/]+)$/, (call, id, user) => withShared(call, id, (of) => share(call, of, user))],
  [
    'DELETE',
    /^kites\/([^/]+)\/shares\/([^/]+)$/,
    (call, id, user) =>
      withShared(call, id, (of) => {
        const shares = state.world.kiteShares.get(of.id) ?? []
        state.world.kiteShares.set(
          of.id,
          shares.filter((item) => item.user.id !== user),
        )
        empty(call.response)
      }),
  ],
  ['GET', /^kite-keys$/, ({ response }) => list(response, state.world.kiteKeys)],
  ['POST', /^kite-keys$/, createKey],
  [
    'DELETE',
    /^kite-keys\/(\w+)$/,
    ({ response }, id) => (
      (state.world.kiteKeys = state.world.kiteKeys.filter((item) => item.id !== id)),
      empty(response)
    ),
  ],
  ['POST', /^kite-codes$/, createCode],
  ['GET', /^admin\/registry-keys$/, ({ response }) => list(response, state.world.registryKeys)],
  ['POST', /^admin\/registry-keys$/, rotate],
]

/** What goes on in the registry, for tests: `act` is `arrive`, `back`, `leave`, `restart` or `empty`. */
export function kiteControl(act: string | null): void {
  const { world } = state
  const ada = world.users[0]
  if (act === 'arrive' && ada) addKite(world, ada, { name: 'bellows', hostname: 'forge-9', registered_at: ago(0) })
  if (act === 'leave') world.kites = world.kites.filter(({ name }) => name !== 'bellows')
  if (act === 'empty') world.kites = []
  if (act === 'restart' || act === 'back')
    world.kites = world.kites.map((kite) => ({ ...kite, connected: act === 'back' }))
  for (const watcher of state.kiteWatchers) watcher.write('event: kite\ndata: {"id":null}\n\n')
}

function listKites({ response, query }: Call): void {
  const version = query.get('version') ?? ''
  const [, sign = '', wanted = ''] = /^\s*(>=|<|=|)\s*v?(\d+(?:\.\d+)*)\s*$/.exec(version) ?? []
  if (version !== '' && wanted === '') {
    return problem(
      response,
      422,
      'invalid',
      `\`${version}\` is neither a version nor a constraint`,
      'write a version such as `1.2.3`, or a constraint such as `>= 1.0, < 2.0`',
    )
  }
  const fits = ({ version: present }: Kite) => {
    const order = present.localeCompare(wanted, 'en', { numeric: true })
    return sign === '>=' ? order >= 0 : sign === '<' ? order < 0 : present === wanted
  }
  list(response, version === '' ? state.world.kites : state.world.kites.filter(fits))
}

function watch({ response }: Call): void {
  stream(response)
  state.kiteWatchers.add(response)
  response.on('close', () => state.kiteWatchers.delete(response))
}

function token({ response }: Call, kite: Kite): void {
  if (!kite.may_call) {
    const why = 'only the owner of a kite and whom it is shared with may call it'
    return problem(response, 403, 'forbidden', why, 'ask its owner')
  }
  kite.tokens += 1
  json(response, 200, { token: CONTENT, url: kite.url, expires_at: ago(-60) })
}

function share({ response }: Call, of: Shared, name = ''): void {
  const wanted = decodeURIComponent(name)
  const user = state.world.users.find((item) => item.name === wanted || item.id === wanted)
  if (user === undefined) {
    return problem(response, 404, 'not_found', `there is no person \`${wanted}\``, 'check the name, or ask for it')
  }
  if (user.id === of.owner.id) {
    return problem(response, 409, 'own', 'it is yours already', 'name somebody else to share it with')
  }
  const shares = state.world.kiteShares.get(of.id) ?? []
  const present = shares.find((item) => item.user.id === user.id)
  const made = present ?? { user: { id: user.id, name: user.name }, since: ago(0) }
  if (!present) state.world.kiteShares.set(of.id, [...shares, made])
  json(response, 200, made)
}

function createKey({ response, body }: Call): void {
  const team = state.world.teams.find(({ slug }) => slug === body.team)
  const key = {
    id: newId('kkey'),
    name: String(body.name),
    team: team ? { id: team.id, slug: team.slug, name: team.name } : null,
    created_at: ago(0),
    expires_at: ago(-60 * 24 * Number(body.expires_in_days ?? 30)),
    last_used_at: null,
    kites: 0,
  }
  state.world.kiteKeys.unshift(key)
  json(response, 201, { ...key, content: CONTENT })
}

/** Codes end after ten minutes; a slower pace makes them end almost at once. */
function createCode({ response }: Call): void {
  const minutes = state.pace > 20 ? 0.05 : 10
  json(response, 201, {
    code: 'hkite_Zm9vYmFyYmF6cXV4LWxvbmctZW5vdWdoLWNvZGUtMTIzNA',
    expires_at: ago(-minutes),
    registry: REGISTRY,
  })
}

function rotate({ response, body }: Call): void {
  const older = body.revoke_older
    ? []
    : state.world.registryKeys.map((key) => ({ ...key, retired_at: key.retired_at ?? ago(0) }))
  if (body.revoke_older) state.world.kiteKeys = []
  state.world.registryKeys = [registryKey('qN4uT7wE1yS8rC0p', 0, null, 0), ...older]
  json(response, 201, { items: state.world.registryKeys, next: null })
}

function withKite(call: Call, id: string | undefined, act: (kite: Kite) => void): void {
  const wanted = decodeURIComponent(id ?? '')
  const kite = state.world.kites.find((item) => item.id === wanted)
  if (kite === undefined) return problem(call.response, 404, 'not_found', `no kite \`${wanted}\``, 'list yours')
  act(kite)
}

type Shared = Pick<Kite, 'id' | 'owner'>

/** A workspace is shared whether it runs, and so is a kite, or not. */
function withShared(call: Call, id: string | undefined, act: (shared: Shared) => void): void {
  const workspace = state.world.workspaces.get(decodeURIComponent(id ?? ''))
  if (workspace === undefined) return withKite(call, id, act)
  act(workspace)
}
