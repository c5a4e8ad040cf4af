// Forges and links of the demonstration: one in every state.

import type { Forge, ForgeScope, Link, SshUpload } from '../src/api/documents'
import { ago, newId } from './mock-ids.ts'
import type { World } from './mock-world.ts'

const scope = (name: string, purpose: string, required = false): ForgeScope => ({ name, purpose, required })

const SCOPES: Record<string, ForgeScope[]> = {
  gitlab: [
    scope('read_user', 'know who you are', true),
    scope('openid', 'sign in to Hearth'),
    scope('api', 'upload your SSH key, report on commits, and register web hooks; includes all reading'),
    scope('read_repository', 'clone private projects'),
    scope('write_repository', 'push from a workspace'),
  ],
  github: [
    scope('user:email', 'your e-mail addresses', true),
    scope('repo', 'read and push private repositories'),
    scope('read:org', 'find repositories of your organisations'),
    scope('workflow', 'push changes of workflow files'),
  ],
  gitea: [
    scope('read:user', 'know who you are', true),
    scope('write:user', 'upload your SSH key'),
    scope('write:repository', 'clone private repositories and push'),
  ],
  bitbucket_server: [
    scope('REPO_READ', 'clone private repositories', true),
    scope('REPO_WRITE', 'push from a workspace'),
    scope('ACCOUNT_WRITE', 'upload your SSH key'),
  ],
  open_id: [scope('openid', 'know who you are', true), scope('email', 'your e-mail address')],
}

const TITLES: Record<string, string> = {
  gitlab: 'GitLab',
  github: 'GitHub',
  gitea: 'Gitea',
  bitbucket_server: 'Bitbucket Data Center',
  bitbucket_cloud: 'Bitbucket Cloud',
  azure_devops: 'Azure DevOps',
  open_id: 'OpenID Connect',
}

export const HOMES: Record<string, string> = {
  gitlab: 'https://gitlab.com',
  github: 'https://github.com',
  gitea: 'https://codeberg.org',
  bitbucket_cloud: 'https://bitbucket.org',
  azure_devops: 'https://dev.azure.com',
}

export function addDemoForges(world: World): void {
  const gitlab = addForge(world, 'gitlab', 'https://gitlab.com', { name: 'GitLab', version: '18.5.1', sign_in: true })
  const work = addForge(world, 'gitlab', 'https://code.example.com/gitlab', {
    name: 'Work GitLab',
    version: '13.12.15',
    lacks: ['links that end after two hours', 'commit signatures by SSH key'],
    sign_in: true,
  })
  addForge(world, 'github', 'https://github.com', { name: 'GitHub' })
  const gitea = addForge(world, 'gitea', 'https://git.example.com', {
    name: 'Old forge',
    state: 'faulty',
    fault: 'the application’s secret is not accepted any more',
    version: '1.22.3',
    links: 3,
  })
  addForge(world, 'azure_devops', 'https://dev.azure.com', { name: 'Azure DevOps', auth_method: 'personal_token' })
  addForge(world, 'open_id', 'https://id.example.com/realms/main', { name: 'Company account', sign_in: true })
  addForge(world, 'gitlab', 'https://staging.example.com', { name: 'Staging', state: 'pending', client_id: '' })
  addForge(world, 'gitea', 'https://git.sweeps.example', {
    name: 'Sweeps’ forge',
    team: world.teams.find(({ slug }) => slug === 'sweeps')?.id ?? null,
    version: '1.25.0',
    links: 2,
  })
  addLink(world, gitlab, { login: 'ada', signs_in: true })
  addLink(world, work, {
    login: 'a.lovelace',
    state: 'sign_in_needed',
    why: 'GitLab does not accept the refresh token any more',
    ssh_key: {
      state: 'failed',
      why: 'the key belongs to another account there',
      mend: 'remove it from the other account, then try again',
      at: ago(50),
    },
  })
  addLink(world, gitea, { login: 'ada', ssh_key: { state: 'unsupported', why: null, mend: null, at: null } })
  world.git = { author_name: 'Ada L.', author_email: 'ada@example.com', sign_commits: true, dotfiles: null }
}

export function addForge(world: World, kind: string, webUrl: string, given: Partial<Forge> = {}): Forge {
  const id = newId('forge')
  const method = given.auth_method ?? (kind === 'azure_devops' ? 'personal_token' : 'oauth2')
  const known = SCOPES[kind] ?? []
  const forge: Forge = {
    id,
    team: null,
    kind,
    kind_title: TITLES[kind] ?? kind,
    name: webUrl.replace('https://', ''),
    web_url: webUrl,
    api_url: null,
    git_url: null,
    ssh: null,
    auth_method: method,
    client_id: method === 'personal_token' ? '' : 'f1e2d3c4b5a69788',
    has_client_secret: method === 'oauth2',
    public_key: null,
    redirect: 'own',
    redirect_uri: `https://hearth.example.com/oauth/callback/${id}`,
    scopes: known.map(({ name }) => name),
    known_scopes: known,
    ca_pem: null,
    client_certificate: null,
    proxy: null,
    sign_in: false,
    sign_up: 'closed',
    sign_up_domains: [],
    state: 'verified',
    state_at: ago(60 * 24 * 3),
    fault: null,
    version: null,
    lacks: [],
    register_url: kind === 'open_id' ? null : `${webUrl}/-/user_settings/applications`,
    from_file: false,
    links: 1,
    created_at: ago(60 * 24 * 30),
    updated_at: ago(60 * 24 * 3),
    ...given,
  }
  world.forges.push(forge)
  return forge
}

export function addLink(world: World, forge: Forge, given: Partial<Link> = {}): Link {
  const uploaded: SshUpload = { state: 'uploaded', why: null, mend: null, at: ago(60) }
  const link: Link = {
    id: newId('link'),
    forge: forge.id,
    login: 'ada',
    name: null,
    web_url: null,
    method: forge.auth_method,
    scopes: forge.scopes,
    state: 'active',
    why: null,
    signs_in: false,
    last_way_in: false,
    ssh_key: forge.kind === 'open_id' ? { state: 'not_wanted', why: null, mend: null, at: null } : uploaded,
    created_at: ago(60 * 24 * 3),
    ...given,
  }
  world.links.push(link)
  return link
}
