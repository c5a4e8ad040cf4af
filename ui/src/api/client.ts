// The typed way to the server. Everything that is not a stream goes through `api`.

import createClient, { type Middleware } from 'openapi-fetch'
import type { paths } from './schema.gen'
import { problemOf, ProblemError, unreachable } from './problem'
import { randomId } from './random-id'
import { noteServerTime } from '@/time/clock'

export const api = createClient<paths>()

type Answer<T> = { data?: T; error?: unknown; response: Response }

let onSignedOut: () => void = () => undefined

/** Names what happens when the server no longer knows this browser. Set once by the application. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

const middleware: Middleware = {
  onRequest({ request }) {
    // The same key on a repeated POST makes the server answer what it answered the first time.
    const isNew = request.method === 'POST' && !request.headers.has('Idempotency-Key')
    if (isNew) request.headers.set('Idempotency-Key', randomId())
    return request
  },
  onResponse({ response }) {
    noteServerTime(response.headers.get('date'))
  },
}
api.use(middleware)

/** Waits for an answer and gives its body. Throws a [`ProblemError`] for every other outcome. */
export async function answer<T>(pending: Promise<Answer<T>>): Promise<T> {
  let result: Answer<T>
  try {
    result = await pending
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  if (result.response.ok) return result.data as T
  const problem = problemOf(result.response.status, result.error)
  if (isSignedOut(problem)) onSignedOut()
  throw problem
}

/** The same for bodies that are not JSON, such as files. */
export async function fetchRaw(path: string, init?: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  if (response.ok) return response
  const text = await response.text()
  const problem = problemOf(response.status, parsed(text))
  if (isSignedOut(problem)) onSignedOut()
  throw problem
}

function isSignedOut(problem: ProblemError): boolean {
  // A wrong password answers 401 too, but with a code of its own.
  return problem.status === 401 && problem.code === 'unauthenticated'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
