import { expect, test } from 'vitest'
import { parseSearch, safeDestination, stringifySearch } from './destination'

test.each([
  ['/w/ws_1?tab=files#L3', '/w/ws_1?tab=files#L3'],
  ['/new?url=https%3A%2F%2Fgitlab.com%2Fa%2Fb', '/new?url=https%3A%2F%2Fgitlab.com%2Fa%2Fb'],
  ['/new#a\\b', '/new#a%5Cb'],
  [undefined, '/workspaces'],
  ['https://evil.example/', '/workspaces'],
  ['//evil.example/', '/workspaces'],
  ['/\\evil.example/', '/workspaces'],
  ['javascript:alert(1)', '/workspaces'],
  ['/sign-in?next=/w/ws_1', '/workspaces'],
])('after signing in, %s leads to %s', (wanted, destination) => {
  expect(safeDestination(wanted)).toBe(destination)
})

test('a query survives being read and written as plain text', () => {
  const query = '?q=12&sort=name'

  expect(parseSearch(query)).toEqual({ q: '12', sort: 'name' })
  expect(stringifySearch(parseSearch(query))).toBe(query)
})

test('what is empty is not written', () => {
  expect(stringifySearch({ q: '', state: undefined })).toBe('')
})
