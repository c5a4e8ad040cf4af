// The one shape of every error a person sees: what could not be done, and what to do about it.

import type { components } from './schema.gen'

type Problem = components['schemas']['Problem']

/** Something the server, or the way to it, refused. Pages show `detail` and `mend` as they are. */
export class ProblemError extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly mend: string
  readonly requestId: string | null
  /** The input the problem is about, where the server names one. */
  readonly field: string | null
  /** With `link_needed` and `scope_missing`: the forge, its name where known, and what it has to grant. */
  readonly forge: { id: string; name: string | null; scopes: string[] } | null

  constructor(problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? 'The request did not succeed')
    this.name = 'ProblemError'
    this.status = problem.status ?? 0
    this.code = problem.code ?? 'unknown'
    this.title = problem.title ?? 'The request did not succeed'
    this.detail = problem.detail ?? ''
    this.mend = problem.mend ?? ''
    this.requestId = problem.request_id ?? null
    this.field = problem.field ?? null
    this.forge =
      typeof problem.forge === 'string'
        ? { id: problem.forge, name: problem.forge_name ?? null, scopes: problem.scopes ?? [] }
        : null
  }
}

/** The server did not answer at all. */
export function unreachable(): ProblemError {
  return new ProblemError({
    status: 0,
    code: 'unreachable',
    title: 'Hearth cannot be reached',
    detail: 'The server did not answer.',
    mend: 'Check that it runs and that this machine is connected, then try again.',
  })
}

/** Reads a failed answer, whoever gave it: the server, or a proxy that knows nothing of problems. */
export function problemOf(status: number, body: unknown): ProblemError {
  if (isProblem(body)) return new ProblemError({ ...body, status })
  return new ProblemError({
    status,
    code: 'unexpected',
    title: `The server answered ${status}`,
    detail: typeof body === 'string' && body.length > 0 && body.length < 300 ? body : 'It gave no reason.',
    mend: status >= 500 ? 'Try again; the server’s log says more.' : 'Reload the page and try again.',
  })
}

/** Any thrown value as a problem, for pages that catch everything. */
export function asProblem(thrown: unknown): ProblemError {
  if (thrown instanceof ProblemError) return thrown
  return new ProblemError({
    code: 'page',
    title: 'This page broke',
    detail: thrown instanceof Error ? thrown.message : String(thrown),
    mend: 'Reload the page. If it happens again, it is a fault of Hearth worth reporting.',
  })
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'detail' in body && 'code' in body
}
