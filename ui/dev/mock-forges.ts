// Routes of the stand-in about registered forges, and about what seals their secrets.

import type { Forge } from '../src/api/documents'
import { type Call, empty, json, list, problem, type Route } from './mock-answer.ts'
import { addForge, HOMES } from './mock-demo-forges.ts'
import { ago } from './mock-ids.ts'
import { state } from './mock-state.ts'

export const FORGE_ROUTES: Route[] = [
  [
    'GET',
    /^forges$/,
    ({ response, query }) => {
      const team = state.world.teams.find(({ slug }) => slug === query.get('team'))
      list(
        response,
        state.world.forges.filter((forge) => forge.team === (team?.id ?? null)),
      )
    },
  ],
  ['POST', /^forges$/, createForge],
  ['GET', /^forges\/(\w+)$/, (call, id) => withForge(call, id, (forge) => json(call.response, 200, forge))],
  ['PATCH', /^forges\/(\w+)$/, (call, id) => withForge(call, id, (forge) => changeForge(call, forge))],
  ['DELETE', /^forges\/(\w+)$/, (call, id) => withForge(call, id, (forge) => deleteForge(call, forge))],
  ['POST', /^forges\/(\w+)\/check$/, (call, id) => withForge(call, id, (forge) => checkForge(call, forge))],
  ['GET', /^admin\/keys$/, ({ response }) => json(response, 200, state.world.keys)],
  ['POST', /^admin\/keys\/rotate$/, rotate],
  ['GET', /^admin\/settings$/, ({ response }) => json(response, 200, state.world.settings)],
  [
    'PUT',
    /^admin\/settings$/,
    ({ response, body }) => {
      const signsIn = state.world.links.some((link) => link.signs_in)
      if (body.password_sign_in === false && !signsIn) {
        return problem(
          response,
          409,
          'last_way_in',
          'no administrator could sign in without a password',
          'connect an account on a forge that people sign in with',
        )
      }
      Object.assign(state.world.settings, body)
      json(response, 200, state.world.settings)
    },
  ],
]

function createForge({ response, body }: Call): void {
  const kind = String(body.kind)
  const webUrl = (body.web_url as string) || HOMES[kind] || ''
  if (!/^https?:\/\/[^/]/.test(webUrl)) {
    return problem(
      response,
      422,
      'invalid',
      `\`${webUrl}\` is not the address of a forge`,
      'give it as browsers show it, with https://',
    )
  }
  const team = state.world.teams.find(({ slug }) => slug === body.team)
  const settings = { ...body }
  delete settings.kind
  const oauth1 = body.auth_method === 'oauth1'
  const forge = addForge(state.world, kind, webUrl.replace(/\/+$/, ''), {
    ...settings,
    name: (body.name as string) || webUrl.replace(/^https?:\/\//, ''),
    web_url: webUrl.replace(/\/+$/, ''),
    team: team?.id ?? null,
    state: 'pending',
    client_id: oauth1 ? 'Hearth' : '',
    has_client_secret: false,
    public_key: oauth1
      ? '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo\n-----END PUBLIC KEY-----'
      : null,
    links: 0,
    created_at: ago(0),
    updated_at: ago(0),
  })
  json(response, 201, forge)
}

function changeForge({ response, body }: Call, forge: Forge): void {
  const { client_secret: secret, client_key: _key, ...rest } = body
  const restarts = secret !== undefined || rest.client_id !== undefined || rest.web_url !== undefined
  Object.assign(forge, rest, { updated_at: ago(0) })
  if (secret !== undefined) forge.has_client_secret = secret !== ''
  if (restarts) Object.assign(forge, { state: 'pending', fault: null })
  json(response, 200, forge)
}

function deleteForge({ response, query }: Call, forge: Forge): void {
  const { links } = forge
  if (forge.sign_in && links > 0 && query.get('force') !== 'true') {
    return problem(
      response,
      409,
      'last_way_in',
      `${links === 1 ? 'one person signs' : `${links} people sign`} in only with \`${forge.name}\``,
      'set passwords for them first, or delete it all the same',
    )
  }
  state.world.forges = state.world.forges.filter(({ id }) => id !== forge.id)
  state.world.links = state.world.links.filter((link) => link.forge !== forge.id)
  empty(response)
}

const SECRET = 'the forge does not accept the application’s id or secret'

function checkForge({ response }: Call, forge: Forge): void {
  const host = forge.web_url.replace(/^https?:\/\//, '').split('/')[0]
  const isWrong = forge.state === 'faulty' || forge.client_id.includes('wrong')
  const step = (name: string, outcome: string, detail: string, took_ms: number, mend = '') => ({
    name,
    outcome,
    detail,
    mend,
    took_ms,
  })
  const needsToken = 'needs a connected account'
  const application = isWrong
    ? step('application', 'failed', SECRET, 88, 'paste the secret again; it may have been renewed at the forge')
    : step('application', 'ok', 'id and secret are accepted', 92)
  const steps = [
    step('resolve', 'ok', `\`${host}\` is 192.0.2.17 and 2001:db8::17`, 12),
    step('tls', 'ok', 'certificate by “Example Internal CA”, ends in 61 days', 41),
    step('version', 'ok', `${forge.kind_title} ${forge.version ?? '18.5.1'}`, 63),
    application,
    step(
      'authorise',
      isWrong ? 'skipped' : 'ok',
      isWrong ? 'the application comes first' : 'the consent page opens',
      71,
    ),
    step('scopes', 'skipped', needsToken, 0),
    step('clone', 'skipped', needsToken, 0),
    step('ssh', 'warning', 'the host’s keys were not confirmed yet', 120, 'compare the keys below and confirm them'),
    step('reach_back', 'skipped', 'this Hearth has no public address', 0, 'only web hooks need it'),
  ]
  const host_keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf']
  setTimeout(() => json(response, 200, { ok: !isWrong, steps, host_keys }), 150 * state.pace)
}

function rotate({ response, body }: Call): void {
  const { keys } = state.world
  const total = body.level === 'platform' ? keys.data_keys : keys.secrets
  const rotation = { level: String(body.level), started_at: ago(0), done: 0, total }
  keys.rotation = rotation
  const timer = setInterval(() => {
    rotation.done += 1
    if (rotation.done < total) return
    clearInterval(timer)
    Object.assign(keys, { rotation: null, retired: 0, sealed_by_retired: 0 })
    if (body.level === 'platform') keys.platform_key_version = String(Number(keys.platform_key_version) + 1)
  }, 60 * state.pace)
  json(response, 202, keys)
}

function withForge(call: Call, id: string | undefined, act: (forge: Forge) => void): void {
  const forge = state.world.forges.find((item) => item.id === id)
  if (forge === undefined) return problem(call.response, 404, 'not_found', `there is no forge \`${id}\``, 'list them')
  act(forge)
}
