// A forge's settings as a form holds them, and what of it the server is told: pure.

import type { Forge, ForgeChange, NewForge } from '@/api/documents'

export interface ForgeForm {
  name: string
  web_url: string
  api_url: string
  git_url: string
  ssh_host: string
  ssh_port: string
  ssh_user: string
  auth_method: string
  client_id: string
  /** Written only; empty means that the present one stays. */
  client_secret: string
  redirect: string
  scopes: string[]
  ca_pem: string
  client_certificate: string
  /** Written only. */
  client_key: string
  proxy: string
  sign_in: boolean
  sign_up: string
  /** As typed: separated by commas or spaces. */
  sign_up_domains: string
}

export const EMPTY_FORM: ForgeForm = {
  name: '',
  web_url: '',
  api_url: '',
  git_url: '',
  ssh_host: '',
  ssh_port: '',
  ssh_user: '',
  auth_method: 'oauth2',
  client_id: '',
  client_secret: '',
  redirect: 'own',
  scopes: [],
  ca_pem: '',
  client_certificate: '',
  client_key: '',
  proxy: '',
  sign_in: false,
  sign_up: 'closed',
  sign_up_domains: '',
}

export function formOf(forge: Forge): ForgeForm {
  return {
    name: forge.name,
    web_url: forge.web_url,
    api_url: forge.api_url ?? '',
    git_url: forge.git_url ?? '',
    ssh_host: forge.ssh?.host ?? '',
    ssh_port: forge.ssh ? String(forge.ssh.port ?? 22) : '',
    ssh_user: forge.ssh?.user ?? '',
    auth_method: forge.auth_method,
    client_id: forge.client_id,
    client_secret: '',
    redirect: forge.redirect,
    scopes: forge.scopes,
    ca_pem: forge.ca_pem ?? '',
    client_certificate: forge.client_certificate ?? '',
    client_key: '',
    proxy: forge.proxy ?? '',
    sign_in: forge.sign_in,
    sign_up: forge.sign_up,
    sign_up_domains: forge.sign_up_domains.join(', '),
  }
}

const TEXTS = [
  'name',
  'web_url',
  'api_url',
  'git_url',
  'auth_method',
  'client_id',
  'client_secret',
  'redirect',
  'ca_pem',
  'client_certificate',
  'client_key',
  'proxy',
  'sign_up',
] as const

/** What differs, and nothing else: a repeated address or id would make the forge pending again. */
export function changesOf(before: ForgeForm, after: ForgeForm, hostKeys: string[] = []): ForgeChange {
  const change: ForgeChange = {}
  for (const name of TEXTS) {
    const text = after[name].trim()
    if (text !== before[name].trim()) change[name] = text
  }
  if (sshOf(after) !== sshOf(before)) {
    change.ssh = {
      host: after.ssh_host.trim(),
      port: Number(after.ssh_port) || 22,
      user: after.ssh_user.trim() || 'git',
      host_keys: after.ssh_host.trim() === before.ssh_host.trim() ? hostKeys : [],
    }
  }
  if (after.scopes.join(' ') !== before.scopes.join(' ')) change.scopes = after.scopes
  if (after.sign_in !== before.sign_in) change.sign_in = after.sign_in
  const domains = domainsOf(after.sign_up_domains)
  if (domains.join(' ') !== domainsOf(before.sign_up_domains).join(' ')) change.sign_up_domains = domains
  return change
}

/** A new forge: whatever was filled in. */
export function creationOf(kind: string, form: ForgeForm, team: string | undefined): NewForge {
  const change = changesOf({ ...EMPTY_FORM, auth_method: '' }, form)
  return { kind, ...change, ...(team === undefined ? {} : { team }) }
}

export function domainsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}

function sshOf({ ssh_host, ssh_port, ssh_user }: ForgeForm): string {
  return `${ssh_user.trim() || 'git'}@${ssh_host.trim()}:${ssh_port.trim() || '22'}`
}
