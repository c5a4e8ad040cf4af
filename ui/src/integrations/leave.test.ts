import { expect, test } from 'vitest'
import { webAddress } from './leave'

test('a consent page is gone to', () => {
  expect(webAddress('https://gitlab.com/oauth/authorize?state=1')).toBe('https://gitlab.com/oauth/authorize?state=1')
})

test.each(['javascript:alert(1)', 'data:text/html,x', '/relative', ''])('%s is not gone to', (address) => {
  expect(() => webAddress(address)).toThrow('no web page')
})
