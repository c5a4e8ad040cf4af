// Routes of the stand-in that are about people and the platform.

import type { Route } from './mock-answer.ts'
import { type Call, empty, json, list, problem } from './mock-answer.ts'
import { ago, newId } from './mock-ids.ts'
import { state } from './mock-state.ts'
import { addUser, session, SUPPORT } from './mock-world.ts'

const SETUP_TOKEN = 'hearth_setup_mock'

export const ACCOUNT_ROUTES: Route[] = [
  ['GET', /^setup$/, ({ response }) => json(response, 200, { needed: state.world.setupNeeded })],
  ['POST', /^setup$/, setUp],
  ['POST', /^session$/, signIn],
  ['DELETE', /^session$/, ({ response }) => ((state.world.signedIn = false), empty(response))],
  ['GET', /^me$/, ({ response }) => json(response, 200, { ...state.world.users[0], via: 'session', scopes: ['all'] })],
  ['PUT', /^me\/password$/, ({ response }) => empty(response)],
  ['GET', /^me\/sessions$/, ({ response }) => list(response, state.world.sessions)],
  [
    'DELETE',
    /^me\/sessions\/(\w+)$/,
    ({ response }, id) => (
      (state.world.sessions = state.world.sessions.filter((item) => item.id !== id)),
      empty(response)
    ),
  ],
  ['GET', /^me\/tokens$/, ({ response }) => list(response, state.world.tokens)],
  ['POST', /^me\/tokens$/, createToken],
  [
    'DELETE',
    /^me\/tokens\/(\w+)$/,
    ({ response }, id) => ((state.world.tokens = state.world.tokens.filter((item) => item.id !== id)), empty(response)),
  ],
  ['GET', /^users$/, ({ response }) => list(response, state.world.users)],
  [
    'POST',
    /^users$/,
    ({ response, body }) =>
      json(
        response,
        201,
        addUser(state.world, String(body.name), String(body.password), body.role === 'admin' ? 'admin' : 'member'),
      ),
  ],
  ['PATCH', /^users\/(\w+)$/, changeUser],
  ['GET', /^snapshots$/, ({ response }) => list(response, state.world.snapshots)],
  [
    'DELETE',
    /^snapshots\/(\w+)$/,
    ({ response }, id) => (
      (state.world.snapshots = state.world.snapshots.filter((item) => item.id !== id)),
      empty(response)
    ),
  ],
  ['GET', /^images$/, ({ response }) => list(response, state.world.images)],
  [
    'POST',
    /^images$/,
    ({ response, body, query }) => {
      const image = {
        id: newId('sha256'),
        names: [String(body.reference ?? query.get('name'))],
        size_bytes: 54_000_000,
        created_at: ago(0),
      }
      state.world.images.push(image)
      setTimeout(() => json(response, 201, image), 1200)
    },
  ],
  [
    'DELETE',
    /^images\/(.+)$/,
    ({ response }, id) => ((state.world.images = state.world.images.filter((item) => item.id !== id)), empty(response)),
  ],
  ['GET', /^doctor$/, ({ response }) => json(response, 200, SUPPORT)],
  ['GET', /^audit$/, ({ response }) => list(response, state.world.audit)],
  ['GET', /^version$/, ({ response }) => json(response, 200, { version: '0.1.0', agent_protocol: 2 })],
]

function setUp({ response, body }: Call): void {
  if (body.token !== SETUP_TOKEN) {
    return problem(
      response,
      401,
      'bad_setup_token',
      'the set-up link is not valid (any more)',
      'restart the server; it prints a new one',
    )
  }
  addUser(state.world, String(body.name), String(body.password), 'admin', (body.email as string) ?? null)
  state.world.setupNeeded = false
  state.world.signedIn = true
  state.world.sessions = [session('Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0', 0, true)]
  json(response, 201, state.world.users[0])
}

function signIn({ response, body }: Call): void {
  if (state.world.passwords.get(String(body.name)) !== body.password) {
    return problem(
      response,
      401,
      'unauthenticated',
      'the name or the password is wrong',
      'try again, or ask an administrator for a new password',
    )
  }
  state.world.signedIn = true
  json(response, 200, state.world.users[0])
}

function createToken({ response, body }: Call): void {
  const days = body.expires_in_days
  const token = {
    id: newId('tok'),
    name: String(body.name),
    scopes: body.scopes as never,
    created_at: ago(0),
    expires_at: days ? ago(-1440 * Number(days)) : null,
    last_used_at: null,
  }
  state.world.tokens.unshift(token)
  json(response, 201, { ...token, token: 'hearth_Zm9vYmFyYmF6cXV4LWxvbmctZW5vdWdoLXRva2VuLTEyMzQ' })
}

function changeUser({ response, body }: Call, id?: string): void {
  const user = state.world.users.find((item) => item.id === id)
  if (user === undefined) return problem(response, 404, 'not_found', `no user \`${id}\``, 'reload the page')
  if (body.role === 'admin' || body.role === 'member') user.role = body.role
  if (typeof body.suspended === 'boolean') user.suspended_at = body.suspended ? ago(0) : null
  json(response, 200, user)
}
