import { afterEach, expect, test } from 'vitest'
import { noteServerTime, serverNow } from './clock'

afterEach(() => noteServerTime(new Date().toUTCString()))

test('a server whose clock is ahead moves our now', () => {
  noteServerTime(new Date(Date.now() + 60_000).toUTCString())

  expect(serverNow() - Date.now()).toBeGreaterThan(58_000)
})

test('the rounding of the header is not taken for a difference', () => {
  noteServerTime(new Date(Date.now() - 900).toUTCString())

  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(5)
})

test('an answer without a readable date changes nothing', () => {
  noteServerTime('yesterday-ish')
  noteServerTime(null)

  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(5)
})
