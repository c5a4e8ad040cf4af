// Routes of the stand-in about teams.

import type { Member, Team, TeamRole } from '../src/api/documents'
import { type Call, empty, json, list, problem, type Route } from './mock-answer.ts'
import { addTeam } from './mock-demo-teams.ts'
import { ago, newId } from './mock-ids.ts'
import { state } from './mock-state.ts'

const GOOD_TOKEN = 'hinvite_mock'

export const TEAM_ROUTES: Route[] = [
  ['GET', /^teams$/, ({ response }) => list(response, state.world.teams)],
  ['POST', /^teams$/, createTeam],
  ['GET', /^teams\/([\w-]+)$/, (call, slug) => withTeam(call, slug, (team) => json(call.response, 200, team))],
  [
    'PATCH',
    /^teams\/([\w-]+)$/,
    (call, slug) =>
      withTeam(call, slug, (team) => {
        Object.assign(team, call.body, { rootfs: call.body.rootfs || null })
        if (Object.keys((call.body.limits as object) ?? {}).length === 0) team.limits = null
        json(call.response, 200, team)
      }),
  ],
  ['DELETE', /^teams\/([\w-]+)$/, (call, slug) => withTeam(call, slug, (team) => deleteTeam(call, team))],
  [
    'GET',
    /^teams\/([\w-]+)\/members$/,
    ({ response }, slug = '') => list(response, state.world.members.get(slug) ?? []),
  ],
  ['PUT', /^teams\/([\w-]+)\/members\/([\w-]+)$/, setMember],
  ['DELETE', /^teams\/([\w-]+)\/members\/([\w-]+)$/, removeMember],
  [
    'GET',
    /^teams\/([\w-]+)\/invitations$/,
    ({ response }, slug = '') => list(response, state.world.invitations.get(slug) ?? []),
  ],
  ['POST', /^teams\/([\w-]+)\/invitations$/, invite],
  [
    'DELETE',
    /^teams\/([\w-]+)\/invitations\/(\w+)$/,
    ({ response }, slug = '', id) => {
      const open = state.world.invitations.get(slug) ?? []
      state.world.invitations.set(
        slug,
        open.filter((invitation) => invitation.id !== id),
      )
      empty(response)
    },
  ],
  ['POST', /^invitations\/preview$/, preview],
  ['POST', /^invitations\/accept$/, accept],
  [
    'GET',
    /^teams\/([\w-]+)\/secrets$/,
    ({ response }, slug = '') => list(response, state.world.secrets.get(slug) ?? []),
  ],
  ['PUT', /^teams\/([\w-]+)\/secrets\/(\w+)$/, setSecret],
  [
    'DELETE',
    /^teams\/([\w-]+)\/secrets\/(\w+)$/,
    ({ response }, slug = '', name) => {
      const secrets = state.world.secrets.get(slug) ?? []
      state.world.secrets.set(
        slug,
        secrets.filter((secret) => secret.name !== name),
      )
      empty(response)
    },
  ],
]

function createTeam({ response, body }: Call): void {
  const slug = String(body.slug)
  if (state.world.teams.some((team) => team.slug === slug)) {
    return problem(response, 409, 'slug_taken', `a team has the address \`${slug}\` already`, 'choose another address')
  }
  const team = addTeam(state.world, { slug, name: String(body.name ?? slug), role: 'owner' })
  const me = state.world.users[0]
  if (me) state.world.members.set(slug, [{ user: { id: me.id, name: me.name }, role: 'owner', since: ago(0) }])
  json(response, 201, team)
}

function deleteTeam({ response }: Call, team: Team): void {
  const workspaces = [...state.world.workspaces.values()].filter((workspace) => workspace.team.id === team.id)
  if (workspaces.length > 0) {
    return problem(
      response,
      409,
      'team_not_empty',
      `the team \`${team.slug}\` has ${workspaces.length === 1 ? 'a workspace' : `${workspaces.length} workspaces`}`,
      'delete them first',
    )
  }
  state.world.teams = state.world.teams.filter(({ id }) => id !== team.id)
  empty(response)
}

function setMember({ response, body }: Call, slug = '', name = ''): void {
  const members = state.world.members.get(slug) ?? []
  const role = body.role as TeamRole
  const user = state.world.users.find((item) => item.id === name || item.name === name)
  if (user === undefined)
    return problem(response, 404, 'not_found', `there is no user \`${name}\``, 'invite the person')
  const present = members.find((member) => member.user.id === user.id)
  if (present && role !== 'owner' && isLastOwner(members, present)) return refuseLastOwner(response, slug)
  const member: Member = present ?? { user: { id: user.id, name: user.name }, role, since: ago(0) }
  member.role = role
  if (!present) state.world.members.set(slug, [...members, member])
  json(response, 200, member)
}

function removeMember({ response }: Call, slug = '', id = ''): void {
  const members = state.world.members.get(slug) ?? []
  const member = members.find((item) => item.user.id === id)
  if (member && isLastOwner(members, member)) return refuseLastOwner(response, slug)
  state.world.members.set(
    slug,
    members.filter((item) => item.user.id !== id),
  )
  empty(response)
}

function isLastOwner(members: Member[], member: Member): boolean {
  return member.role === 'owner' && members.filter(({ role }) => role === 'owner').length === 1
}

function refuseLastOwner(response: Call['response'], slug: string): void {
  problem(
    response,
    409,
    'last_owner',
    `the team \`${slug}\` would have no owner any more`,
    'make somebody else an owner first, or delete the team',
  )
}

function invite({ request, response, body }: Call, slug = ''): void {
  const me = state.world.users[0]
  const invitation = {
    id: newId('inv'),
    role: (body.role as TeamRole) ?? 'member',
    note: String(body.note ?? ''),
    by: { id: me?.id ?? '', name: me?.name ?? '' },
    created_at: ago(0),
    expires_at: ago(-60 * 24 * Number(body.expires_in_days ?? 7)),
  }
  state.world.invitations.set(slug, [invitation, ...(state.world.invitations.get(slug) ?? [])])
  json(response, 201, { ...invitation, url: `http://${request.headers.host}/invite#${GOOD_TOKEN}` })
}

function isOver({ response }: Call): void {
  problem(
    response,
    409,
    'invitation_over',
    'this invitation is not valid, or not any more',
    'ask whoever sent it for a new one',
  )
}

function preview(call: Call): void {
  if (call.body.token !== GOOD_TOKEN) return isOver(call)
  json(call.response, 200, { team: 'Chimney Sweeps', role: 'member', by: 'grace', expires_at: ago(-60 * 24 * 5) })
}

function accept(call: Call): void {
  const team = state.world.teams.find(({ slug }) => slug === 'sweeps')
  if (call.body.token !== GOOD_TOKEN || team === undefined) return isOver(call)
  json(call.response, 200, team)
}

function setSecret({ response }: Call, slug = '', name = ''): void {
  if (/^(PATH|LD_|GIT_|SSH_|HEARTH_)/.test(name)) {
    return problem(
      response,
      422,
      'invalid',
      `\`${name}\` cannot be a secret’s name: it steers the workspace itself`,
      'choose a name such as `NPM_TOKEN`',
    )
  }
  const secrets = state.world.secrets.get(slug) ?? []
  const present = secrets.find((secret) => secret.name === name)
  const secret = present ?? { name, created_at: ago(0), updated_at: ago(0) }
  secret.updated_at = ago(0)
  if (!present) state.world.secrets.set(slug, [...secrets, secret])
  json(response, 200, secret)
}

function withTeam(call: Call, slug: string | undefined, act: (team: Team) => void): void {
  const team = state.world.teams.find((item) => item.slug === slug || item.id === slug)
  if (team === undefined) return problem(call.response, 404, 'not_found', `there is no team \`${slug}\``, 'list yours')
  act(team)
}
