import { describe, expect, test } from 'vitest'
import { readOutcome, readOutcomeOf } from './outcome'

describe('the way back from a forge', () => {
  test('says that an account was linked, and leaves the page’s own query', () => {
    expect(readOutcome('?url=https%3A%2F%2Fa%2Fb&linked=forge_1')).toEqual({
      outcome: { kind: 'linked', forge: 'forge_1' },
      rest: '?url=https%3A%2F%2Fa%2Fb',
    })
  })

  test('keeps the page’s own query as it was written', () => {
    expect(readOutcome('?url=https://a/b+c%20d&linked=forge_1&x').rest).toBe('?url=https://a/b+c%20d&x')
    expect(readOutcome('?url=https://a/b').rest).toBe('?url=https://a/b')
  })

  test('says what failed and what mends it', () => {
    expect(readOutcome('?link_error=access_denied&forge=forge_1&detail=no+consent&mend=try+again')).toEqual({
      outcome: { kind: 'failed', code: 'access_denied', forge: 'forge_1', detail: 'no consent', mend: 'try again' },
      rest: '',
    })
  })

  test('shows no more than a sentence or two', () => {
    const { outcome } = readOutcome(`?link_error=x&detail=${'a'.repeat(9000)}`)
    expect(outcome).toMatchObject({ detail: 'a'.repeat(400) })
  })

  test('leaves a query alone that tells of no outcome', () => {
    expect(readOutcome('?forge=forge_1&detail=x')).toEqual({ outcome: null, rest: '?forge=forge_1&detail=x' })
  })

  test.each([
    ['/new?url=a&linked=forge_1#top', '/new?url=a#top', 'linked'],
    ['/?link_error=x#https://gitlab.com/a/b', '/#https://gitlab.com/a/b', 'failed'],
    ['/workspaces', '/workspaces', undefined],
    ['/w/ws_1#L3?linked=no', '/w/ws_1#L3?linked=no', undefined],
  ])('%s is the page %s', (path, page, kind) => {
    const read = readOutcomeOf(path)
    expect([read.path, read.outcome?.kind]).toEqual([page, kind])
  })
})
