import { expect, test } from 'vitest'
import { DEFAULT_OPTIONS, limitsOf } from './limits'

test('limits that nobody touched are left to the server', () => {
  expect(limitsOf(DEFAULT_OPTIONS)).toEqual({})
})

test('only what was given is sent, in the units of the API', () => {
  expect(limitsOf({ ...DEFAULT_OPTIONS, cores: '0.5', memoryGb: '1.5' })).toEqual({
    limits: { cpu_millis: 500, memory_bytes: 1_610_612_736 },
  })
})
