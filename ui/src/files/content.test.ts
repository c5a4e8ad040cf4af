import { expect, test } from 'vitest'
import { readContent } from './content'

const bytes = (text: string) => new TextEncoder().encode(text)

test('UTF-8 is text', () => {
  expect(readContent(bytes('grüß dich\n'))).toEqual({ kind: 'text', text: 'grüß dich\n', size: 12 })
})

test('a zero byte or broken UTF-8 is not', () => {
  expect(readContent(bytes('a\0b')).kind).toBe('binary')
  expect(readContent(new Uint8Array([0xff, 0xfe, 0x41])).kind).toBe('binary')
})

test('more than a page can carry is for download', () => {
  expect(readContent(new Uint8Array(2 ** 20 + 1)).kind).toBe('large')
})
