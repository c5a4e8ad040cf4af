import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetInvitation, invitationToken } from './invitation-token'

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  })
})
afterEach(() => vi.unstubAllGlobals())

test('a token waits while its holder signs in, and no longer', () => {
  expect(invitationToken('#hinvite_1')).toBe('hinvite_1')
  expect(invitationToken('')).toBe('hinvite_1')
  forgetInvitation()
  expect(invitationToken('')).toBeNull()
})

test('the newest link counts', () => {
  invitationToken('#hinvite_1')
  expect(invitationToken('#hinvite_2')).toBe('hinvite_2')
  expect(invitationToken('')).toBe('hinvite_2')
})

test('a browser that keeps nothing still opens the link', () => {
  vi.stubGlobal('sessionStorage', undefined)
  expect(invitationToken('#hinvite_1')).toBe('hinvite_1')
  expect(invitationToken('')).toBeNull()
  expect(() => forgetInvitation()).not.toThrow()
})
