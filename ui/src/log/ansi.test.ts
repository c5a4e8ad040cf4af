import { describe, expect, test } from 'vitest'
import { parseAnsi, PLAIN, plainText } from './ansi'

const spans = (line: string) => parseAnsi(line).spans

describe('a line of a log', () => {
  test('without escapes is one plain span', () => {
    expect(spans('hello <b>')).toEqual([{ text: 'hello <b>', className: '' }])
  })

  test('changes colour and changes back', () => {
    expect(spans('a \x1b[31mred\x1b[0m b')).toEqual([
      { text: 'a ', className: '' },
      { text: 'red', className: 'ansi-fg-1' },
      { text: ' b', className: '' },
    ])
  })

  test('can be bright, bold, underlined and on a ground at once', () => {
    expect(spans('\x1b[1;4;93;44mx')).toEqual([
      { text: 'x', className: 'ansi-fg-11 ansi-bg-4 ansi-bold ansi-underline' },
    ])
  })

  test.each([
    ['38;5;9', { className: 'ansi-fg-9' }],
    ['38;5;196', { className: '', color: 'rgb(255 0 0)' }],
    ['48;5;244', { className: '', background: 'rgb(128 128 128)' }],
    ['38;2;1;2;3', { className: '', color: 'rgb(1 2 3)' }],
    ['38;2;1;2;3;1', { className: 'ansi-bold', color: 'rgb(1 2 3)' }],
  ])('knows the colour %s', (code, look) => {
    expect(spans(`\x1b[${code}mx`)).toEqual([{ text: 'x', ...look }])
  })

  test('swaps its colours when inverse', () => {
    expect(spans('\x1b[7;32mx')[0]).toMatchObject({ color: 'var(--canvas)', className: 'ansi-bg-2' })
  })

  test('carries its look to the next line', () => {
    const { look } = parseAnsi('\x1b[32mgreen')

    expect(parseAnsi('still', look).spans).toEqual([{ text: 'still', className: 'ansi-fg-2' }])
    expect(parseAnsi('\x1b[mover', look).look).toEqual(PLAIN)
  })

  test('loses whatever moves the cursor, rings or sets titles', () => {
    expect(plainText('\x1b[2K\x1b[1Ga\x07\x1b]0;title\x07b\x1b]8;;https://x\x1b\\c\x1b(B')).toBe('abc')
  })

  test('shows only what its last carriage return left', () => {
    expect(plainText('10 %\r50 %\r100 %\r')).toBe('100 %')
  })

  test('survives escapes that were cut off', () => {
    expect(plainText('a\x1b[3')).toBe('a')
    expect(plainText('a\x1b')).toBe('a')
    expect(plainText('a\x1b]0;never ends')).toBe('a')
  })
})
