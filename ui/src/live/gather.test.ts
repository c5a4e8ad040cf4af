import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gather } from './gather'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what comes close together is acted on once', () => {
  const act = vi.fn<(items: Set<string>) => void>()
  const gathered = gather(200, 1000, act)

  gathered.add('a')
  vi.advanceTimersByTime(150)
  gathered.add('b')
  gathered.add('a')
  vi.advanceTimersByTime(199)
  expect(act).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)

  expect(act.mock.calls).toEqual([[new Set(['a', 'b'])]])
  vi.advanceTimersByTime(5000)
  expect(act).toHaveBeenCalledTimes(1)
})

test('what never stops coming is acted on all the same', () => {
  const act = vi.fn<(items: Set<number>) => void>()
  const gathered = gather(200, 1000, act)

  for (let item = 0; item < 40; item += 1) {
    gathered.add(item)
    vi.advanceTimersByTime(100)
  }

  expect(act.mock.calls.length).toBeGreaterThanOrEqual(3)
  vi.advanceTimersByTime(200)
  expect(act.mock.calls.reduce((count, [items]) => count + items.size, 0)).toBe(40)
})

test('what was cancelled is not acted on', () => {
  const act = vi.fn<(items: Set<string>) => void>()
  const gathered = gather(200, 1000, act)

  gathered.add('a')
  gathered.cancel()
  vi.advanceTimersByTime(5000)

  expect(act).not.toHaveBeenCalled()
})
