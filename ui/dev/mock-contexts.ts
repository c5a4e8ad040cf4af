// What addresses mean, pretended: the words in an address decide what it is a page of.
//
// `private` needs a linked account on GitHub, `scoped` more permissions on GitLab, `nowhere` is not there.

import type { Context } from '../src/api/documents'
import { type Call, json, problem, type Route } from './mock-answer.ts'
import { state } from './mock-state.ts'

export const CONTEXT_ROUTES: Route[] = [['POST', /^contexts$/, resolve]]

const REVISION = 'e83c5163316f89bfbde7d9ab23ca2e25604af290'

function resolve({ response, body }: Call): void {
  const { rest, options } = withoutPrefixes(
    String(body.url)
      .trim()
      .replace(/^[#/]+/, ''),
  )
  const url = rest.replace(/^git@([\w.-]+):/, 'https://$1/').replace(/^(?!https?:)/, 'https://')
  const [, host = '', path = ''] = /^https?:\/\/([^/]+)\/+([^?#]+)/.exec(url) ?? []
  const [project = '', page = ''] = path.split('/-/')
  const parts = project
    .replace(/\.git$/, '')
    .split('/')
    .filter(Boolean)
  if (parts.length < 2) {
    const mend = 'paste the address of a repository, or of one of its pages'
    return problem(response, 422, 'invalid', `\`${rest}\` names no repository`, mend)
  }
  const refusal = refused(path)
  if (refusal) return later(() => refuse(response, refusal))
  const name = parts.at(-1) ?? ''
  const context: Context = {
    forge: state.world.forges.find(({ web_url }) => new URL(web_url).host === host)?.id ?? null,
    kind: host.includes('github') ? 'github' : host.includes('gitlab') ? 'gitlab' : null,
    host,
    owner: parts.slice(0, -1).join('/'),
    repository: name,
    clone_url: `https://${host}/${parts.join('/')}.git`,
    private: name.includes('flue'),
    default_branch: 'main',
    ref_kind: null,
    ref: null,
    revision: null,
    path: null,
    is_file: false,
    merge_request: null,
    issue: null,
    base: null,
    upstream_url: null,
    local_branch: null,
    title: `${parts.join('/')}`,
    options,
    warnings: [],
  }
  fill(context, page)
  later(() => json(response, 200, context))
}

function fill(context: Context, page: string): void {
  const [kind, ...rest] = page.split('/')
  if (kind === 'tree' || kind === 'blob') {
    const [ref = '', ...path] = rest.map(decodeURIComponent)
    Object.assign(context, { ref_kind: ref.startsWith('v') ? 'tag' : 'branch', ref, revision: REVISION })
    if (path.length > 0) Object.assign(context, { path: path.join('/'), is_file: kind === 'blob' })
    if (ref === 'mian') context.warnings = ['there is no branch `mian`; the default branch `main` is used']
    if (ref === 'mian') context.ref = 'main'
  }
  if (kind === 'commit') Object.assign(context, { ref_kind: 'revision', revision: rest[0] })
  if (kind === 'merge_requests') {
    Object.assign(context, {
      merge_request: { number: Number(rest[0]), title: 'Mend the draught when the wind turns' },
      base: { owner: context.owner, repository: context.repository, clone_url: context.clone_url, ref: 'main' },
      upstream_url: context.clone_url,
      owner: 'grace',
      clone_url: context.clone_url.replace(context.owner, 'grace'),
      ref_kind: 'branch',
      ref: 'fix-draught',
      revision: REVISION,
    })
  }
  if (kind === 'issues') {
    Object.assign(context, {
      issue: { number: Number(rest[0]), title: 'Smoke in the living room' },
      ref_kind: 'branch',
      ref: 'main',
      local_branch: `ada/smoke-in-the-living-room-${rest[0]}`,
    })
  }
}

function withoutPrefixes(text: string): { rest: string; options: Context['options'] } {
  const options: Context['options'] = { variables: [], refused_variables: [], rebuild_image: false, prebuild: false }
  const [, prefix, rest = text] = /^((?:[A-Za-z_]\w*=[^/,]*,?)+)\/(.*)$/.exec(text) ?? []
  for (const pair of prefix?.split(',') ?? []) {
    const [name = '', value = ''] = pair.split('=')
    if (/^(PATH|LD_|GIT_|HEARTH_)/.test(name))
      options.refused_variables.push({ name, why: 'it steers the workspace itself' })
    else options.variables.push({ name, value: decodeURIComponent(value) })
  }
  return { rest, options }
}

interface Refusal {
  status: number
  code: string
  detail: string
  mend: string
  forge?: string
  forge_name?: string
  scopes?: string[]
}

function refused(path: string): Refusal | null {
  const { world } = state
  const named = (name: string) => world.forges.find((forge) => forge.name === name)
  const github = named('GitHub')
  const gitlab = named('GitLab')
  const link = world.links.find(({ forge }) => forge === gitlab?.id)
  if (path.includes('private') && github && !world.links.some(({ forge }) => forge === github.id)) {
    return {
      status: 409,
      code: 'link_needed',
      detail: `\`${path}\` is not there, or is shown only to who may see it`,
      mend: 'connect your account at GitHub',
      forge: github.id,
      forge_name: github.name,
    }
  }
  if (path.includes('scoped') && gitlab && !link?.scopes.includes('read_api')) {
    return {
      status: 409,
      code: 'scope_missing',
      detail: 'GitLab lets Hearth read this only with `read_api`',
      mend: 'grant `read_api`',
      forge: gitlab.id,
      forge_name: gitlab.name,
      scopes: ['read_api'],
    }
  }
  if (!path.includes('nowhere')) return null
  return {
    status: 409,
    code: 'repository_missing',
    detail: `there is no \`${path}\`, or your account may not see it`,
    mend: 'check the address',
  }
}

function refuse(response: Call['response'], { status, ...rest }: Refusal): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' })
  response.end(
    JSON.stringify({
      type: `urn:hearth:problem:${rest.code}`,
      title: 'Refused',
      status,
      request_id: 'req_mock',
      ...rest,
    }),
  )
}

function later(act: () => void): void {
  setTimeout(act, 60 * state.pace)
}
