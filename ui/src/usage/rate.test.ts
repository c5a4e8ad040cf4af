import { expect, test } from 'vitest'
import { coresBetween } from './rate'

test('cores are processor time by wall time', () => {
  expect(coresBetween({ cpuMicros: 1_000_000, at: 0 }, { cpuMicros: 4_000_000, at: 2000 })).toBe(1.5)
})

test('a first reading, and one after a restart, say nothing', () => {
  expect(coresBetween(undefined, { cpuMicros: 5, at: 0 })).toBeNull()
  expect(coresBetween({ cpuMicros: 5_000_000, at: 0 }, { cpuMicros: 10, at: 2000 })).toBeNull()
})
