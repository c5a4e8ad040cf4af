import { expect, test } from 'vitest'
import { bytes } from './bytes'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [312 * 2 ** 20, '312 MB'],
  [4 * 2 ** 30, '4 GB'],
  [2 ** 30 - 1, '1 GB'],
  [-1, '0 B'],
])('%d bytes read %s', (size, words) => {
  expect(bytes(size)).toBe(words)
})
