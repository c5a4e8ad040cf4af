import { expect, test } from 'vitest'
import { LANGUAGES, linesOf } from './lines'

test.each(LANGUAGES)('the lines for $label name this registry, and fit without being broken', ({ value }) => {
  const lines = linesOf(value, 'https://hearth.example.com').split('\n')

  expect(lines.filter((line) => line.includes('https://hearth.example.com/kite'))).toHaveLength(1)
  // Whoever is registered once is gone after the first reconnect.
  expect(value === 'rust' || lines.some((line) => line.startsWith("registry.on('open',"))).toBe(true)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(82)
})
