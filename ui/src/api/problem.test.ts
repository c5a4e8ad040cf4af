import { expect, test } from 'vitest'
import { asProblem, ProblemError, problemOf } from './problem'

test('a problem document keeps its words', () => {
  const problem = problemOf(409, {
    code: 'name_taken',
    detail: 'the name is taken',
    mend: 'choose another',
    title: 'Conflict',
    request_id: 'req_1',
    field: 'name',
  })

  expect(problem).toMatchObject({
    status: 409,
    code: 'name_taken',
    detail: 'the name is taken',
    mend: 'choose another',
    requestId: 'req_1',
    field: 'name',
  })
})

test('an answer of something else than Hearth still gets words', () => {
  expect(problemOf(502, '<html>…</html>'.repeat(100))).toMatchObject({
    title: 'The server answered 502',
    detail: 'It gave no reason.',
  })
})

test('whatever is thrown can be shown', () => {
  expect(asProblem(new TypeError('x is not a function')).detail).toBe('x is not a function')
  const problem = new ProblemError({ detail: 'as it is' })
  expect(asProblem(problem)).toBe(problem)
})

test('a problem that an account would mend names the forge', () => {
  const problem = problemOf(409, {
    code: 'scope_missing',
    detail: 'GitLab was not asked for `api`',
    mend: 'edit the permissions',
    forge: 'forge_1',
    forge_name: 'GitLab',
    scopes: ['api'],
  })

  expect(problem.forge).toEqual({ id: 'forge_1', name: 'GitLab', scopes: ['api'] })
})
