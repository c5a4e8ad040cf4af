// What an address means, in lines for people: pure.

import type { Context } from '@/api/documents'

export interface Line {
  kind: 'merge-request' | 'issue' | 'ref' | 'revision' | 'path' | 'upstream' | 'empty'
  /** What it is, before the colon. */
  name: string
  value: string
  /** More, in grey. */
  detail: string | null
}

/** As the product calls it, with the number as it writes it. */
export function mergeRequestName(kind: string | null | undefined, number: number): string {
  return kind === 'gitlab' ? `Merge request !${number}` : `Pull request #${number}`
}

/** Everything that will be checked out, the most telling first. */
export function linesOf(context: Context): Line[] {
  const { merge_request, issue, base, ref_kind, revision, path, upstream_url, local_branch } = context
  const lines: Line[] = []
  const line = (kind: Line['kind'], name: string, value: string, detail: string | null = null) =>
    lines.push({ kind, name, value, detail })
  if (merge_request) {
    const into = base ? `into ${baseName(context)}` : null
    line('merge-request', mergeRequestName(context.kind, merge_request.number), merge_request.title, into)
  }
  if (issue) line('issue', `Issue #${issue.number}`, issue.title)
  if (local_branch) line('ref', 'New branch', local_branch, context.ref ? `from ${context.ref}` : null)
  else if (context.ref) line('ref', ref_kind === 'tag' ? 'Tag' : 'Branch', context.ref, shortened(revision))
  else if (revision) line('revision', 'Commit', revision.slice(0, 12))
  else if (context.default_branch === null && context.forge) line('empty', 'Repository', 'empty')
  if (path) line('path', context.is_file ? 'File' : 'Folder', path)
  if (upstream_url) line('upstream', 'Upstream', upstream_url)
  return lines
}

/** Within the same repository the branch says it all. */
function baseName({ base, owner, repository }: Context): string {
  if (!base) return ''
  return base.owner === owner && base.repository === repository
    ? base.ref
    : `${base.owner}/${base.repository}:${base.ref}`
}

function shortened(revision: string | null | undefined): string | null {
  return revision ? revision.slice(0, 12) : null
}
