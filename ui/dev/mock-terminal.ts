// A pretended shell with the agent's real rules: numbered bytes, a bounded ring, `since`, `reset`,
// acknowledgements that hold back a flood.

import type { WebSocket } from 'ws'

const RING_BYTES = 2 * 1024 * 1024
const BEHIND_BYTES = 512 * 1024
const PROMPT = '\x1b[1;32mhearth\x1b[0m:\x1b[1;34m/workspace/kindling\x1b[0m$ '

const ANSWERS: Record<string, string> = {
  help: 'ls, git log, git status, colours, flood, ticks, exit\r\n',
  ls: '\x1b[1;34mdocs\x1b[0m  \x1b[1;34msrc\x1b[0m  \x1b[1;34mtests\x1b[0m  Cargo.lock  Cargo.toml  LICENSE  README.md\r\n',
  'git status':
    'On branch main\r\nYour branch is up to date with \x27origin/main\x27.\r\n\r\nnothing to commit, working tree clean\r\n',
  'git log -1 --format=%H': 'e83c5163316f89bfbde7d9ab23ca2e25604af290\r\n',
  'git log':
    '\x1b[33mcommit e83c5163316f89bfbde7d9ab23ca2e25604af290\x1b[m (\x1b[1;36mHEAD -> \x1b[1;32mmain\x1b[m, \x1b[1;31morigin/main\x1b[m)\r\nAuthor: Ada <ada@example.com>\r\n\r\n    Light the first fire\r\n',
  colours: `${Array.from({ length: 16 }, (_, index) => `\x1b[${index < 8 ? 30 + index : 82 + index}m colour ${index} \x1b[0m`).join('\r\n')}\r\n`,
  'cargo test':
    '\x1b[1;32m   Compiling\x1b[0m kindling v0.3.1 (/workspace/kindling)\r\n\x1b[1;32m    Finished\x1b[0m `test` profile [unoptimized + debuginfo] target(s) in 2.41s\r\n\x1b[1;32m     Running\x1b[0m unittests src/lib.rs\r\n\r\nrunning 3 tests\r\ntest spark::dry_wood_catches ... \x1b[32mok\x1b[0m\r\ntest spark::wet_wood_smokes ... \x1b[32mok\x1b[0m\r\ntest flue::draws_upwards ... \x1b[32mok\x1b[0m\r\n\r\ntest result: \x1b[32mok\x1b[0m. 3 passed; 0 failed; finished in 0.02s\r\n\r\n',
}

interface Viewer {
  socket: WebSocket
  sent: number
  acknowledged: number
}

export class MockTerminal {
  readonly id: number
  readonly openedAt = new Date().toISOString()
  columns = 80
  rows = 24
  exitCode: number | null = null
  readonly #viewers = new Set<Viewer>()
  #ring = Buffer.alloc(0)
  #next = 0
  #line = ''
  #job: ReturnType<typeof setInterval> | undefined

  constructor(id: number) {
    this.id = id
    this.#write(`Welcome. This shell is pretended; try \x1b[1mhelp\x1b[0m.\r\n\r\n${PROMPT}`)
  }

  info() {
    return {
      id: this.id,
      title: 'bash',
      is_task: false,
      columns: this.columns,
      rows: this.rows,
      opened_at: this.openedAt,
      exit_code: this.exitCode,
      viewers: this.#viewers.size,
      next_sequence: this.#next,
    }
  }

  attach(socket: WebSocket, since: number | null): void {
    const oldest = this.#next - this.#ring.length
    const reset = since !== null && (since < oldest || since > this.#next)
    const from = since === null || reset ? oldest : since
    socket.send(JSON.stringify({ type: 'hello', sequence: from, reset }))
    const viewer = { socket, sent: this.#next, acknowledged: from }
    const kept = this.#ring.subarray(from - oldest)
    if (kept.length > 0) socket.send(kept)
    if (this.exitCode !== null) socket.send(JSON.stringify({ type: 'exit', exit_code: this.exitCode }))
    this.#viewers.add(viewer)
    socket.on('close', () => this.#viewers.delete(viewer))
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.#type(data.toString())
      else this.#control(viewer, JSON.parse(data.toString()))
    })
  }

  hangUp(): void {
    clearInterval(this.#job)
    for (const { socket } of this.#viewers) socket.close(4404)
  }

  #control(viewer: Viewer, message: { type: string; sequence?: number; columns?: number; rows?: number }): void {
    if (message.type === 'ack') viewer.acknowledged = message.sequence ?? 0
    if (message.type === 'resize') {
      this.columns = message.columns ?? this.columns
      this.rows = message.rows ?? this.rows
    }
  }

  #type(text: string): void {
    for (const letter of text) {
      if (letter === '\x03') {
        clearInterval(this.#job)
        this.#line = ''
        this.#write(`^C\r\n${PROMPT}`)
      } else if (letter === '\r') {
        this.#write('\r\n')
        this.#run(this.#line.trim())
        this.#line = ''
      } else if (letter === '\x7f') {
        if (this.#line !== '') this.#write('\b \b')
        this.#line = this.#line.slice(0, -1)
      } else if (letter >= ' ') {
        this.#line += letter
        this.#write(letter)
      }
    }
  }

  #run(command: string): void {
    if (command === 'flood')
      return this.#repeat(5, () => 'all work and no play makes a dull terminal, says the fire\r\n'.repeat(400))
    if (command === 'ticks') {
      let tick = 0
      return this.#repeat(100, () => `tick ${(tick += 1)}\r\n`)
    }
    if (command === 'exit') {
      this.exitCode = 0
      for (const { socket } of this.#viewers) {
        socket.send(JSON.stringify({ type: 'exit', exit_code: 0 }))
        socket.close(1000)
      }
      return
    }
    const known = ANSWERS[command] ?? (command === '' ? '' : `bash: ${command}: command not found\r\n`)
    this.#write(known + PROMPT)
  }

  #repeat(everyMs: number, text: () => string): void {
    clearInterval(this.#job)
    this.#job = setInterval(() => {
      const behind = Math.max(0, ...Array.from(this.#viewers, (viewer) => this.#next - viewer.acknowledged))
      if (behind < BEHIND_BYTES) this.#write(text())
    }, everyMs)
  }

  #write(text: string): void {
    const bytes = Buffer.from(text)
    this.#next += bytes.length
    this.#ring = Buffer.concat([this.#ring, bytes]).subarray(-RING_BYTES)
    for (const { socket } of this.#viewers) socket.send(bytes)
  }
}
