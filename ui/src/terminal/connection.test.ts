import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ACK_BYTES, type Outside, type Socket, TerminalConnection, type TerminalState } from './connection'

/** A socket whose far end is the test. */
class FakeSocket implements Socket {
  binaryType = ''
  readyState = 1
  readonly sent: (string | Uint8Array)[] = []
  readonly #listeners: Record<string, ((event: never) => void)[]> = {}
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  addEventListener(type: string, act: (event: never) => void): void {
    ;(this.#listeners[type] ??= []).push(act)
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data)
  }

  close(): void {
    this.readyState = 3
  }

  say(control: object): void {
    this.#emit('message', { data: JSON.stringify(control) })
  }

  output(text: string): void {
    this.#emit('message', { data: new TextEncoder().encode(text).buffer })
  }

  breaks(code = 1006): void {
    this.readyState = 3
    this.#emit('close', { code })
  }

  controls(): object[] {
    return this.sent.filter((data) => typeof data === 'string').map((data) => JSON.parse(data) as object)
  }

  typed(): string {
    return this.sent.map((data) => (typeof data === 'string' ? '' : new TextDecoder().decode(data))).join('')
  }

  #emit(type: string, event: object): void {
    for (const act of this.#listeners[type] ?? []) act(event as never)
  }
}

/** A connection with its sockets, what it shows, and what it says about itself. */
function aConnection({ liveFrom = 0, slow = false } = {}) {
  const sockets: FakeSocket[] = []
  const states: TerminalState[] = []
  const pending: (() => void)[] = []
  let screen = ''
  const outside: Outside = {
    open(url) {
      const socket = new FakeSocket(url)
      sockets.push(socket)
      return socket
    },
    random: () => 0.5,
  }
  const connection = new TerminalConnection(
    'ws://host/t/1',
    {
      onOutput(bytes, shown) {
        screen += new TextDecoder().decode(bytes)
        if (slow) pending.push(shown)
        else shown()
      },
      onReset: () => (screen = ''),
      onState: (state) => states.push(state),
    },
    liveFrom,
    outside,
  )
  const socket = () => {
    const last = sockets.at(-1)
    if (last === undefined) throw new Error('nothing was opened')
    return last
  }
  return {
    connection,
    sockets,
    states,
    socket,
    screen: () => screen,
    showAll: () => pending.splice(0).forEach((shown) => shown()),
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})

describe('the first connection', () => {
  test('asks for everything that is kept, and shows it', () => {
    const { socket, screen, states } = aConnection()
    socket().say({ type: 'hello', sequence: 100, reset: false })
    socket().output('hello')

    expect(socket().url).toBe('ws://host/t/1')
    expect(screen()).toBe('hello')
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'connected'])
  })

  test('tells the size of the screen once it is greeted', () => {
    const { connection, socket } = aConnection()
    connection.resize(120, 40)
    expect(socket().controls()).toEqual([])

    socket().say({ type: 'hello', sequence: 0, reset: false })

    expect(socket().controls()).toEqual([{ type: 'resize', columns: 120, rows: 40 }])
  })
})

describe('a connection that breaks', () => {
  test('comes back asking for the first byte it does not have', () => {
    const { socket, screen, states } = aConnection()
    socket().say({ type: 'hello', sequence: 100, reset: false })
    socket().output('tick 1 ')
    socket().breaks()
    vi.advanceTimersByTime(200)
    expect(socket().url).toBe('ws://host/t/1?since=107')

    socket().say({ type: 'hello', sequence: 107, reset: false })
    socket().output('tick 2')

    expect(screen()).toBe('tick 1 tick 2')
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'connected', 'reconnecting', 'connected'])
  })

  test('shows once what the server sends twice', () => {
    const { socket, screen } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().output('abcdef')
    socket().breaks()
    vi.advanceTimersByTime(200)

    socket().say({ type: 'hello', sequence: 2, reset: false })
    socket().output('cd')
    socket().output('efgh')

    expect(screen()).toBe('abcdefgh')
  })

  test('starts the screen afresh when the gap is no longer kept', () => {
    const { socket, screen } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().output('old')
    socket().breaks()
    vi.advanceTimersByTime(200)

    socket().say({ type: 'hello', sequence: 9000, reset: true })
    socket().output('new')

    expect(screen()).toBe('new')
  })

  test('tries again with growing pauses', () => {
    const { socket, sockets } = aConnection()
    socket().breaks()
    vi.advanceTimersByTime(199)
    expect(sockets.length).toBe(1)
    vi.advanceTimersByTime(1)
    expect(sockets.length).toBe(2)

    socket().breaks()
    vi.advanceTimersByTime(399)
    expect(sockets.length).toBe(2)
    vi.advanceTimersByTime(1)
    expect(sockets.length).toBe(3)
  })

  test('is tried at once when asked to, and only when it is broken', () => {
    const { connection, socket, sockets } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    connection.retryNow()
    expect(sockets.length).toBe(1)

    socket().breaks()
    connection.retryNow()

    expect(sockets.length).toBe(2)
  })

  test('is not listened to any more once there is a newer one', () => {
    const { connection, sockets, socket, screen } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().breaks()
    connection.retryNow()
    socket().say({ type: 'hello', sequence: 0, reset: false })

    sockets[0]?.output('ghost')
    sockets[0]?.breaks()

    expect(screen()).toBe('')
    expect(sockets.length).toBe(2)
  })

  test.each([4401, 4404])('stays away after code %d', (code) => {
    const { socket, sockets, states } = aConnection()
    socket().breaks(code)
    vi.advanceTimersByTime(60_000)

    expect(sockets.length).toBe(1)
    expect(states.at(-1)).toEqual({ kind: 'gone' })
  })
})

describe('acknowledgements', () => {
  test('go out for every 128 KiB that were shown, not received', () => {
    const { socket, showAll } = aConnection({ slow: true })
    socket().say({ type: 'hello', sequence: 10, reset: false })
    socket().output('x'.repeat(ACK_BYTES))
    expect(socket().controls()).toEqual([])

    showAll()

    expect(socket().controls()).toEqual([{ type: 'ack', sequence: 10 + ACK_BYTES }])
  })

  test('also go out when the output pauses', () => {
    const { socket } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().output('prompt')
    expect(socket().controls()).toEqual([])

    vi.advanceTimersByTime(300)

    expect(socket().controls()).toEqual([{ type: 'ack', sequence: 6 }])
  })

  test('do not count what was shown before a reset', () => {
    const { socket, showAll } = aConnection({ slow: true })
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().output('x'.repeat(ACK_BYTES))
    socket().breaks()
    vi.advanceTimersByTime(200)
    socket().say({ type: 'hello', sequence: 10_000_000, reset: true })

    showAll()
    vi.advanceTimersByTime(1000)

    expect(socket().controls()).toEqual([])
  })
})

describe('input', () => {
  test('goes out as bytes, in pieces when it is long', () => {
    const { connection, socket } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    const paste = 'ü'.repeat(40_000)

    connection.input(paste)

    expect(socket().typed()).toBe(paste)
    expect(socket().sent.every((data) => data.length <= 32 * 1024)).toBe(true)
  })

  test('is dropped while the connection is broken', () => {
    const { connection, socket } = aConnection()
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().breaks()

    connection.input('rm -rf')

    expect(socket().typed()).toBe('')
  })

  test('is dropped while history is shown again, which the screen would answer', () => {
    const { connection, socket, showAll } = aConnection({ liveFrom: 5, slow: true })
    socket().say({ type: 'hello', sequence: 0, reset: false })
    socket().output('\x1b[c...')
    connection.input('\x1b[?1;2c')
    expect(socket().typed()).toBe('')

    showAll()
    connection.input('ls')

    expect(socket().typed()).toBe('ls')
  })
})

test('a process that ends is acknowledged whole, and not looked for again', () => {
  const { socket, sockets, states } = aConnection()
  socket().say({ type: 'hello', sequence: 0, reset: false })
  socket().output('bye')
  socket().say({ type: 'exit', exit_code: 3 })
  socket().breaks(1000)
  vi.advanceTimersByTime(60_000)

  expect(socket().controls()).toContainEqual({ type: 'ack', sequence: 3 })
  expect(states.at(-1)).toEqual({ kind: 'exited', code: 3 })
  expect(sockets.length).toBe(1)
})

test('leaving closes the socket and nothing follows', () => {
  const { connection, socket, sockets, states } = aConnection()
  socket().say({ type: 'hello', sequence: 0, reset: false })
  connection.close()
  socket().breaks()
  vi.advanceTimersByTime(60_000)

  expect(sockets.length).toBe(1)
  expect(states.at(-1)).toEqual({ kind: 'connected' })
})
