import { expect, test } from 'vitest'
import { callCommand } from './command'

test.each([
  ['ws_01jd2k3v', 'hearth kite call ws_01jd2k3v kite.ping'],
  ['6ca5f1de-09c1-4f6c', 'hearth kite call 6ca5f1de-09c1-4f6c kite.ping'],
  ['a; rm -rf ~', "hearth kite call 'a; rm -rf ~' kite.ping"],
  ['$(id)`id`', "hearth kite call '$(id)`id`' kite.ping"],
  ["it's; id #", String.raw`hearth kite call 'it'\''s; id #' kite.ping`],
  ['', "hearth kite call '' kite.ping"],
])('the id %j is one word of a shell', (id, command) => {
  expect(callCommand({ id })).toBe(command)
})

test.each(['a\nid', 'a\u001b[201~id', 'a\u0000', 'a\u202eb', 'a\u2028b', '--endpoint=x'])(
  'the id %j is not put into a command',
  (id) => {
    expect(callCommand({ id })).toBeNull()
  },
)
