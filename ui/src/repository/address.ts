// What a pasted text means: the address of a repository, perhaps with a branch in it.
//
// The server has the last word on what it accepts; this only helps before anything is sent.

export type Pasted =
  | { kind: 'empty' }
  | { kind: 'repository'; url: string; ref: string | null; host: string; name: string }
  /** Not the plain address of a repository; `instead` is what was probably meant. The server knows more forms. */
  | { kind: 'unusable'; why: string; instead: string | null; isSecret?: boolean }

/** Reads a pasted address: a clone URL, or a page of GitLab, GitHub, Gitea or Bitbucket. */
export function readAddress(text: string): Pasted {
  const pasted = text.trim()
  if (pasted === '') return { kind: 'empty' }

  const scp = /^(?:[\w.-]+)@([\w.-]+):(?!\/\/)(.+)$/.exec(pasted)
  if (scp) return { kind: 'unusable', why: 'This is an address for SSH.', instead: `https://${scp[1]}/${scp[2]}` }

  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(pasted) ? pasted : guessScheme(pasted)
  if (withScheme === null || !URL.canParse(withScheme)) {
    return { kind: 'unusable', why: 'This is not the address of a repository.', instead: null }
  }
  const url = new URL(withScheme)
  if (url.protocol === 'ssh:' || url.protocol === 'git:') {
    return { kind: 'unusable', why: 'This is an address for SSH.', instead: `https://${url.hostname}${url.pathname}` }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { kind: 'unusable', why: `Hearth cannot clone over ${url.protocol.replace(':', '')}.`, instead: null }
  }
  if (url.username !== '' || url.password !== '') {
    url.username = ''
    url.password = ''
    const why = 'The address carries a name or password. It would be stored.'
    return { kind: 'unusable', why, instead: url.href, isSecret: true }
  }
  const { path, ref } = splitPath(url)
  if (path === '') return { kind: 'unusable', why: 'The address names no repository.', instead: null }
  return {
    kind: 'repository',
    url: `${url.protocol}//${url.host}${path}`,
    ref,
    host: url.host,
    name: path.slice(1).replace(/\.git$/, ''),
  }
}

/** Whether two addresses lead to the same repository, whatever the spelling. */
export function isSameRepository(one: string, other: string): boolean {
  return canonical(one) === canonical(other)
}

/** `group/project` of a clone URL, for showing. */
export function repositoryName(url: string): string {
  const read = readAddress(url)
  return read.kind === 'repository' ? read.name : url
}

/** A page of the repository, for a link; `null` where the address is no web address. */
export function repositoryPage(url: string): string | null {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url.replace(/\.git$/, '') : null
}

/**
 * What stands behind the `#` of `/#https://forge/group/project`, or `null` if that is nothing to start from.
 * Any form the server may understand is passed on: with prefixes, without a scheme, for SSH.
 */
export function addressInFragment(hash: string): string | null {
  const text = hash.replace(/^[#/]+/, '')
  const plain = text.includes('/') ? text : decoded(text)
  return plain !== null && (/\S\/\S/.test(plain) || /^[\w.-]+@[\w.-]+:\S/.test(plain)) ? plain : null
}

/** The snapshot that `snapshot/snap_…` names. */
export function snapshotIn(address: string): string | null {
  return /^snapshot\/(snap_\w+)$/.exec(address)?.[1] ?? null
}

function canonical(text: string): string {
  const read = readAddress(text)
  return read.kind === 'repository' ? `${read.host}/${read.name}`.toLowerCase() : text.trim()
}

/** `gitlab.com/a/b` is what address bars show, so it is what people paste. */
function guessScheme(text: string): string | null {
  if (/^(localhost|127\.0\.0\.1)(:\d+)?\//.test(text)) return `http://${text}`
  return /^[\w-]+(\.[\w-]+)+(:\d+)?\/\S+$/.test(text) ? `https://${text}` : null
}

/** Cuts what a forge's web pages put behind the repository, and keeps the branch if it is there. */
function splitPath(url: URL): { path: string; ref: string | null } {
  const whole = url.pathname.replace(/\/+$/, '')
  const gitlab = /^(\/.+?)\/-\/(?:(?:tree|blob|commits?|raw|blame)\/([^/]+))?/.exec(whole)
  if (gitlab) return { path: gitlab[1] ?? '', ref: decoded(gitlab[2]) }
  const github = /^(\/[^/]+\/[^/]+)\/(?:tree|blob|commits?|blame|raw)\/([^/]+)/.exec(whole)
  if (github && /(^|\.)github\./.test(url.hostname)) return { path: github[1] ?? '', ref: decoded(github[2]) }
  const githubPage = /^(\/[^/]+\/[^/]+)\/(?:pull|issues|actions|releases|wiki)(?:\/|$)/.exec(whole)
  if (githubPage && /(^|\.)github\./.test(url.hostname)) return { path: githubPage[1] ?? '', ref: null }
  const gitea = /^(\/[^/]+\/[^/]+)\/src\/(?:branch|tag|commit)\/([^/]+)/.exec(whole)
  if (gitea) return { path: gitea[1] ?? '', ref: decoded(gitea[2]) }
  const bitbucket = /^(\/[^/]+\/[^/]+)\/(?:src|branch)\/([^/]+)/.exec(whole)
  if (bitbucket && url.hostname === 'bitbucket.org') return { path: bitbucket[1] ?? '', ref: decoded(bitbucket[2]) }
  return { path: whole, ref: null }
}

function decoded(part: string | undefined): string | null {
  if (part === undefined) return null
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
