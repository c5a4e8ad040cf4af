import { describe, expect, test } from 'vitest'
import { aContext } from '@/testing/a-context'
import { linesOf, mergeRequestName } from './words'

const told = (given: Parameters<typeof aContext>[0]) =>
  linesOf(aContext(given)).map(({ name, value, detail }) => [name, value, detail].filter(Boolean).join(' · '))

describe('an address means', () => {
  test('a branch', () => {
    expect(told({ ref: 'main', ref_kind: 'branch', revision: 'e83c5163316f89bfbde7d9ab23ca2e25604af290' })).toEqual([
      'Branch · main · e83c5163316f',
    ])
  })

  test('a tag, and a file in it', () => {
    expect(told({ ref: 'v1', ref_kind: 'tag', path: 'docs/flue.md', is_file: true })).toEqual([
      'Tag · v1',
      'File · docs/flue.md',
    ])
  })

  test('a merge request from a fork', () => {
    const base = { owner: 'hearthside', repository: 'kindling', clone_url: 'https://x', ref: 'main' }
    expect(told({ owner: 'grace', ref: 'fix', merge_request: { number: 7, title: 'Mend the draught' }, base })).toEqual(
      ['Merge request !7 · Mend the draught · into hearthside/kindling:main', 'Branch · fix'],
    )
    expect(told({ ref: 'fix', merge_request: { number: 7, title: 'Mend' }, base })[0]).toContain('· into main')
  })

  test('an issue and the branch that is made for it', () => {
    expect(told({ ref: 'main', local_branch: 'ada/12-smoke', issue: { number: 12, title: 'Smoke' } })).toEqual([
      'Issue #12 · Smoke',
      'New branch · ada/12-smoke · from main',
    ])
  })

  test('a commit, or nothing yet', () => {
    expect(told({ revision: 'e83c5163316f89bfbde7d9ab23ca2e25604af290' })).toEqual(['Commit · e83c5163316f'])
    expect(told({ default_branch: null, forge: 'forge_1' })).toEqual(['Repository · empty'])
  })
})

test('requests are named as their product names them', () => {
  expect(mergeRequestName('gitlab', 7)).toBe('Merge request !7')
  expect(mergeRequestName('github', 7)).toBe('Pull request #7')
})
