import { expect, test } from 'vitest'
import { fit } from './match'

test('every typed word has to occur', () => {
  expect(fit('Stop kindling', 'kind stop')).toBeGreaterThan(0)
  expect(fit('Stop kindling', 'kind start')).toBe(0)
})

test('the beginning of a word counts more than its middle', () => {
  expect(fit('flue-sensor', 'sen')).toBeGreaterThan(fit('absence', 'sen'))
})
