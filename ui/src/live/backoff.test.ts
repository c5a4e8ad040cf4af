import { expect, test } from 'vitest'
import { backoff } from './backoff'

test('pauses double up to the most, and begin anew after a success', () => {
  const pause = backoff(100, 1000, () => 0.5)

  expect([1, 2, 3, 4, 5, 6].map(() => pause.next())).toEqual([100, 200, 400, 800, 1000, 1000])
  pause.reset()
  expect(pause.next()).toBe(100)
})

test('pauses are spread by a quarter either way', () => {
  expect(backoff(100, 1000, () => 0).next()).toBe(75)
  expect(backoff(100, 1000, () => 1).next()).toBe(125)
})
