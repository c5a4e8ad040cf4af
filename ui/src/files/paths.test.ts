import { describe, expect, test } from 'vitest'
import { cleanPath, crumbs, fileUrl, join, parent } from './paths'

test('a path is joined, and taken apart again', () => {
  expect(join('/', 'etc')).toBe('/etc')
  expect(join('/workspace/kindling', 'src')).toBe('/workspace/kindling/src')
  expect(parent('/workspace/kindling')).toBe('/workspace')
  expect(parent('/workspace')).toBe('/')
  expect(crumbs('/workspace/kindling')).toEqual([
    { name: 'workspace', path: '/workspace' },
    { name: 'kindling', path: '/workspace/kindling' },
  ])
})

test('odd names are encoded, slashes between them are not', () => {
  expect(fileUrl('ws_1', '/a b/ü?#%.txt')).toBe('/api/v1/workspaces/ws_1/files/a%20b/%C3%BC%3F%23%25.txt')
})

describe('a path out of the URL', () => {
  test.each([
    [undefined, '/home'],
    ['relative', '/home'],
    ['/a/../etc', '/home'],
    ['/a//b/./c/', '/a/b/c'],
    ['/', '/'],
  ])('%s leads to %s', (path, clean) => {
    expect(cleanPath(path, '/home')).toBe(clean)
  })
})
