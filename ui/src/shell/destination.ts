// Where to go after signing in: only ever a page of this application.

/** The wanted page if it is one of ours, else the list of workspaces. */
export function safeDestination(wanted: string | undefined): string {
  if (wanted === undefined || !/^\/(?![/\\])/.test(wanted)) return '/workspaces'
  const base = 'http://hearth.invalid'
  if (!URL.canParse(wanted, base)) return '/workspaces'
  const url = new URL(wanted, base)
  if (url.origin !== base || url.pathname === '/sign-in' || url.pathname === '/setup') return '/workspaces'
  // A backslash is no part of a path the server would send a browser back to.
  return (url.pathname + url.search + url.hash).replaceAll('\\', '%5C')
}

/** Query strings as plain text. The router's own form would quote whatever looks like a number. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text))
}

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') query.set(key, value)
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}
