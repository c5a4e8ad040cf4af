import { describe, expect, test } from 'vitest'
import { countdown, elapsed, relative, took } from './format'

describe('a duration', () => {
  test.each([
    [0, '0.0 s'],
    [-5, '0.0 s'],
    [449, '0.4 s'],
    [9_940, '9.9 s'],
    [9_960, '9 s'],
    [59_999, '59 s'],
    [65_000, '1 min 05 s'],
    [3_600_000, '1 h 00 min'],
    [7_380_000, '2 h 03 min'],
  ])('of %d ms reads %s', (milliseconds, words) => {
    expect(elapsed(milliseconds)).toBe(words)
  })
})

test.each([
  [12, '12 ms'],
  [999.4, '999 ms'],
  [1_440, '1.4 s'],
  [-3, '0 ms'],
])('what took %d ms reads %s', (milliseconds, words) => {
  expect(took(milliseconds)).toBe(words)
})

test.each([
  [600_000, '10:00'],
  [545_000, '9:05'],
  [999, '0:01'],
  [0, '0:00'],
  [-4_000, '0:00'],
])('a countdown with %d ms left reads %s', (milliseconds, words) => {
  expect(countdown(milliseconds)).toBe(words)
})

describe('a moment', () => {
  const now = Date.parse('2026-11-20T12:00:00Z')

  test.each([
    ['2026-11-20T11:59:30Z', 'just now'],
    ['2026-11-20T11:57:00Z', '3 min ago'],
    ['2026-11-20T10:00:00Z', '2 h ago'],
    ['2026-11-19T11:00:00Z', 'yesterday'],
    ['2026-11-14T12:00:00Z', '6 days ago'],
    ['2026-11-20T14:00:00Z', 'in 2 h'],
    ['2026-11-21T13:00:00Z', 'tomorrow'],
    ['2025-03-12T12:00:00Z', 'Mar 12, 2025'],
    ['not a time', ''],
  ])('at %s is %s', (moment, words) => {
    expect(relative(moment, now)).toBe(words)
  })
})
