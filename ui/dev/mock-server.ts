// A stand-in for the server, for working on pages and for testing them without one: everything in
// memory, same routes, same documents. `POST /__mock/reset?world=demo|fresh` starts over.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Plugin } from 'vite'
import { WebSocketServer } from 'ws'
import { ACCOUNT_ROUTES } from './mock-account.ts'
import { type Call, json, problem } from './mock-answer.ts'
import { CONTEXT_ROUTES } from './mock-contexts.ts'
import { demoWorld } from './mock-demo.ts'
import { FORGE_ROUTES } from './mock-forges.ts'
import { KITE_ROUTES, kiteControl } from './mock-kites.ts'
import { consent, LINK_ROUTES } from './mock-links.ts'
import { dropConnections, reset, state } from './mock-state.ts'
import { TEAM_ROUTES } from './mock-teams.ts'
import { WORKSPACE_ROUTES } from './mock-workspaces.ts'
import { emptyWorld } from './mock-world.ts'

/** The policy that a strict server sends. Only for the built pages: Vite's development server is inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export function mockServer(): Plugin {
  const attach = (middlewares: { use: (act: Handler) => void }, http: Server | null, policy: string | null) => {
    middlewares.use((request, response, next) => void handle(request, response, next, policy))
    const upgrades = new WebSocketServer({ noServer: true })
    http?.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const match = /^\/api\/v1\/workspaces\/(\w+)\/terminals\/(\d+)(?:\?since=(\d+))?$/.exec(request.url ?? '')
      if (!match) return
      const terminal = state.world.terminals.get(match[1] ?? '')?.find(({ id }) => id === Number(match[2]))
      if (state.isDown || terminal === undefined) return void socket.destroy()
      state.sockets.add(socket)
      upgrades.handleUpgrade(request, socket, head, (ws) =>
        terminal.attach(ws, match[3] === undefined ? null : Number(match[3])),
      )
    })
  }
  return {
    name: 'hearth-mock',
    configureServer: (server) => attach(server.middlewares, server.httpServer as Server | null, null),
    configurePreviewServer: (server) => attach(server.middlewares, server.httpServer as Server, POLICY),
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
  policy: string | null,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock')
  if (policy !== null) response.setHeader('Content-Security-Policy', policy)
  if (!/^\/(api|auth|__mock)\//.test(url.pathname)) return next()
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const raw = Buffer.concat(chunks)
  const isJson = request.headers['content-type']?.startsWith('application/json')
  const body = isJson && raw.length > 0 ? (JSON.parse(raw.toString()) as Record<string, unknown>) : {}
  const call: Call = { request, response, path: url.pathname, query: url.searchParams, body, raw }
  if (url.pathname.startsWith('/__mock/')) return control(call)
  if (url.pathname === '/auth/enter') return cross(call)
  if (state.isDown) return void request.socket.destroy()
  route(call)
}

/** Switches of the stand-in itself, for tests, and the forge that it pretends. */
function control(call: Call): void {
  const { path, query, response } = call
  if (consent(call)) return
  if (path === '/__mock/reset')
    reset(query.get('world') === 'fresh' ? emptyWorld() : demoWorld(), Number(query.get('pace') ?? 2))
  if (path === '/__mock/passwords-off') state.world.settings.password_sign_in = false
  if (path === '/__mock/team-host') state.teamHost = query.get('team')
  if (path === '/__mock/kites') kiteControl(query.get('act'))
  if (path === '/__mock/member') makeMember()
  if (path === '/__mock/sign-out') state.world.signedIn = false
  if (path === '/__mock/down') state.isDown = true
  if (path === '/__mock/up') state.isDown = false
  if (path === '/__mock/down' || path === '/__mock/drop') dropConnections()
  const workspaces = [...state.world.workspaces.values()]
  json(response, 200, { ids: Object.fromEntries(workspaces.map(({ name, id }) => [name, id])) })
}

/** Takes the administrator's role from the person at the browser. */
function makeMember(): void {
  const me = state.world.users[0]
  if (me) me.role = 'member'
}

/** The way from a team's host over the main host and back, as if one was signed in there; `nobody` is not. */
function cross({ query, response }: Call): void {
  state.world.signedIn = state.teamHost !== 'nobody'
  response.writeHead(303, { Location: query.get('return_to') ?? '/' })
  response.end()
}

const ROUTES = [
  ...ACCOUNT_ROUTES,
  ...LINK_ROUTES,
  ...FORGE_ROUTES,
  ...TEAM_ROUTES,
  ...CONTEXT_ROUTES,
  ...KITE_ROUTES,
  ...WORKSPACE_ROUTES,
]

function route(call: Call): void {
  const path = call.path.replace(/^\/api\/v1\//, '')
  const open = /^(setup|session|session\/.*|invitations\/preview)$/.test(path)
  if (!open && !state.world.signedIn) {
    return problem(call.response, 401, 'unauthenticated', 'nobody is signed in', 'sign in')
  }
  for (const [method, pattern, act] of ROUTES) {
    const match = pattern.exec(path)
    if (match && method === call.request.method) return act(call, ...match.slice(1))
  }
  problem(call.response, 404, 'not_found', `there is no \`${call.path}\``, 'compare with /api/v1/openapi.json')
}
