// Routes of the stand-in about linked accounts, SSH keys and Git; and the page of a pretended forge.

import type { Forge, Integration, SshKey } from '../src/api/documents'
import { type Call, empty, json, list, problem, type Route } from './mock-answer.ts'
import { addLink } from './mock-demo-forges.ts'
import { ago } from './mock-ids.ts'
import { state } from './mock-state.ts'
import { session } from './mock-world.ts'

interface Attempt {
  forge: string
  purpose: 'link' | 'sign-in'
  returnTo: string
  scopes: string[] | null
}

const attempts = new Map<string, Attempt>()

export const LINK_ROUTES: Route[] = [
  ['GET', /^session\/options$/, options],
  ['POST', /^session\/forge$/, (call) => json(call.response, 201, begin(call, 'sign-in'))],
  ['GET', /^me\/integrations$/, ({ response }) => list(response, state.world.forges.map(integration))],
  ['POST', /^me\/links$/, createLink],
  [
    'DELETE',
    /^me\/links\/(\w+)$/,
    ({ response }, id) => {
      state.world.links = state.world.links.filter((link) => link.id !== id)
      empty(response)
    },
  ],
  ['GET', /^me\/ssh-key$/, ({ response }) => json(response, 200, sshKey())],
  [
    'POST',
    /^me\/ssh-key$/,
    ({ response }) => {
      state.world.sshKey = newKey(state.world.settings.ssh_algorithm)
      json(response, 201, sshKey())
    },
  ],
  [
    'POST',
    /^me\/ssh-key\/uploads$/,
    ({ response }) => {
      for (const link of state.world.links) {
        if (link.ssh_key.state === 'failed') link.ssh_key = { state: 'pending', why: null, mend: null, at: ago(0) }
      }
      json(response, 202, sshKey())
    },
  ],
  ['GET', /^me\/git$/, ({ response }) => json(response, 200, state.world.git)],
  [
    'PATCH',
    /^me\/git$/,
    ({ response, body }) => {
      for (const [name, value] of Object.entries(body))
        Object.assign(state.world.git, { [name]: value === '' ? null : value })
      json(response, 200, state.world.git)
    },
  ],
]

function options({ response }: Call): void {
  const forges = state.world.forges
    .filter((forge) => forge.sign_in && forge.state === 'verified')
    .map(({ id, kind, name, web_url }) => ({ forge: id, kind, name, host: new URL(web_url).host }))
  json(response, 200, { password: state.world.settings.password_sign_in, forges, team: state.teamHost })
}

function integration(forge: Forge): Integration {
  return {
    forge: forge.id,
    kind: forge.kind,
    kind_title: forge.kind_title,
    name: forge.name,
    web_url: forge.web_url,
    auth_method: forge.auth_method,
    state: forge.state,
    known_scopes: forge.known_scopes,
    manage_url: `${forge.web_url}/-/user_settings/applications`,
    link: state.world.links.find((link) => link.forge === forge.id) ?? null,
  }
}

function begin({ request, body }: Call, purpose: Attempt['purpose']): { authorize_url: string } {
  const key = `attempt${attempts.size}`
  const scopes = (body.scopes as string[]) ?? null
  attempts.set(key, { forge: String(body.forge), purpose, returnTo: String(body.return_to ?? '/'), scopes })
  return { authorize_url: `http://${request.headers.host}/__mock/consent?state=${key}` }
}

function createLink(call: Call): void {
  const { response, body } = call
  const forge = state.world.forges.find(({ id }) => id === body.forge)
  if (forge === undefined) return problem(response, 404, 'not_found', 'there is no such forge', 'reload the page')
  if (typeof body.token !== 'string') return json(response, 201, { redirect: begin(call, 'link') })
  if (body.token.includes('wrong')) {
    return problem(
      response,
      409,
      'forge',
      `${forge.name} does not accept the token`,
      'make a new one with these permissions',
    )
  }
  state.world.links = state.world.links.filter((link) => link.forge !== forge.id)
  json(response, 201, { linked: addLink(state.world, forge, { method: 'personal_token', login: 'ada' }) })
}

function newKey(algorithm: string): SshKey {
  const random = Math.random().toString(36).slice(2).padEnd(12, 'x')
  return {
    algorithm,
    public_key: `ssh-${algorithm.replace(/-.*/, '')} AAAAC3NzaC1lZDI1NTE5AAAAI${random}Jz2kTqv9p7Wv1s4hQ ada@hearth`,
    fingerprint: 'SHA256:oVhr1Gd8ZqN8Hkq3JjVd1xJYb8bYl7nq3n2lXkqv1sQ',
    created_at: ago(60 * 24 * 12),
    policy: algorithm,
    uploads: [],
  }
}

function sshKey(): SshKey {
  const { world } = state
  world.sshKey ??= newKey('ed25519')
  world.sshKey.policy = world.settings.ssh_algorithm
  world.sshKey.uploads = world.links
    .filter((link) => link.ssh_key.state !== 'not_wanted')
    .map((link) => ({
      forge: link.forge,
      name: world.forges.find(({ id }) => id === link.forge)?.name ?? 'a forge',
      ...link.ssh_key,
    }))
  return world.sshKey
}

/** The pretended forge's consent page, and the way back from it. */
export function consent({ path, query, response }: Call): boolean {
  const attempt = attempts.get(query.get('state') ?? '')
  const forge = state.world.forges.find(({ id }) => id === attempt?.forge)
  if (attempt === undefined || forge === undefined) return false
  if (path === '/__mock/consent') {
    const answer = (verdict: string) => `/__mock/callback?state=${query.get('state')}&verdict=${verdict}`
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
    response.end(
      `<!doctype html><title>${forge.name}</title><h1>Authorise Hearth?</h1><p>${(attempt.scopes ?? forge.scopes).join(' ')}</p><a href="${answer('yes')}">Authorise</a> <a href="${answer('no')}">Deny</a>`,
    )
    return true
  }
  if (path !== '/__mock/callback') return false
  attempts.delete(query.get('state') ?? '')
  const back = new URL(attempt.returnTo, 'http://mock')
  if (query.get('verdict') === 'yes') succeed(attempt, forge, back)
  else fail(forge, back)
  response.writeHead(303, { Location: back.pathname + back.search + back.hash })
  response.end()
  return true
}

function succeed(attempt: Attempt, forge: Forge, back: URL): void {
  const { world } = state
  if (attempt.purpose === 'sign-in') {
    world.signedIn = true
    world.sessions = [session('Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0', 0, true)]
    return
  }
  world.links = world.links.filter((link) => link.forge !== forge.id)
  addLink(world, forge, { scopes: attempt.scopes ?? forge.scopes, signs_in: forge.sign_in })
  Object.assign(forge, { state: 'verified', fault: null, links: Math.max(1, forge.links), updated_at: ago(0) })
  back.searchParams.set('linked', forge.id)
}

function fail(forge: Forge, back: URL): void {
  back.searchParams.set('link_error', 'access_denied')
  back.searchParams.set('forge', forge.id)
  back.searchParams.set('detail', `${forge.name} says that you did not consent`)
  back.searchParams.set('mend', 'try again and choose “Authorise”')
}
