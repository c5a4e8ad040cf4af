// Paths inside a workspace: absolute, `/` between the parts.

/** The path below the folder. */
export function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}

/** The folder a path is in; `/` is in itself. */
export function parent(path: string): string {
  const cut = path.lastIndexOf('/')
  return cut <= 0 ? '/' : path.slice(0, cut)
}

/** Each folder on the way, with its own path: for the line of links above a listing. */
export function crumbs(path: string): { name: string; path: string }[] {
  const names = path.split('/').filter(Boolean)
  return names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join('/')}` }))
}

/** Where the API serves the path. */
export function fileUrl(workspace: string, path: string): string {
  const parts = path.split('/').filter(Boolean).map(encodeURIComponent)
  return `/api/v1/workspaces/${workspace}/files/${parts.join('/')}`
}

/** Reads a path as somebody typed or linked it; anything odd leads to `otherwise`. */
export function cleanPath(path: string | undefined, otherwise: string): string {
  if (path === undefined || !path.startsWith('/')) return otherwise
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? otherwise : `/${parts.join('/')}`
}
