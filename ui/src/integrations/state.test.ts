import { expect, test } from 'vitest'
import type { Link } from '@/api/documents'
import { askedScopes, hostOf, integrationState, uploadState } from './state'

const link = (state: string): Link => ({ state }) as Link

test.each([
  ['verified', link('active'), 'Connected'],
  ['verified', link('sign_in_needed'), 'Sign-in needed'],
  ['verified', null, 'Not connected'],
  ['faulty', link('active'), 'Faulty'],
  ['pending', null, 'Not verified yet'],
])('a forge that is %s reads right', (state, its, word) => {
  expect(integrationState({ state, link: its }).word).toBe(word)
})

test('a key that is not wanted somewhere is not talked about', () => {
  expect(uploadState('not_wanted')).toBeNull()
  expect(uploadState('failed')).toEqual({ word: 'Not uploaded', tone: 'failed' })
})

test('what is required is asked for, ticked or not', () => {
  const known = [
    { name: 'read_user', required: true },
    { name: 'api', required: false },
    { name: 'read_repository', required: false },
  ]
  expect(askedScopes(known, new Set(['api', 'unknown']))).toEqual(['read_user', 'api'])
})

test('a forge is shown by its host and path', () => {
  expect(hostOf('https://example.com/gitlab/')).toBe('example.com/gitlab')
})
