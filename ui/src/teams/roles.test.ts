import { expect, test } from 'vitest'
import { givableRoles, mayChange, rankOf, slugOf } from './roles'

test('an administrator of the platform may what owners may', () => {
  expect(rankOf({ role: null }, true)).toBe('owner')
  expect(rankOf({ role: 'member' }, false)).toBe('member')
  expect(rankOf({ role: null }, false)).toBeNull()
})

test('admins bring in members, owners name everybody', () => {
  expect(givableRoles('member')).toEqual([])
  expect(givableRoles('admin')).toEqual(['member'])
  expect(givableRoles('owner')).toContain('owner')
  expect(givableRoles(null)).toEqual([])
})

test('an admin does not end another admin’s place', () => {
  expect(mayChange('admin', 'member')).toBe(true)
  expect(mayChange('admin', 'admin')).toBe(false)
  expect(mayChange('owner', 'owner')).toBe(true)
})

test.each([
  ['Chimney Sweeps', 'chimney-sweeps'],
  ['  Öfen & Kamine!  ', 'ofen-kamine'],
  ['a--b', 'a-b'],
  ['東京', ''],
  ['x'.repeat(60), 'x'.repeat(40)],
])('the address of “%s” is %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug)
})
