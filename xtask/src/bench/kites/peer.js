// kite.js as the peer of a measurement: `serve`, or `calls URL COUNT WINDOW`, which prints nanoseconds.
'use strict'

const net = require('net')
const { Kite, KiteServer } = require('kite.js')

const square = (number, answer) => answer(null, number * number)

const serve = () => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => {
      const transportClass = KiteServer.transport.WebSocket
      new KiteServer({ name: 'square', logLevel: 0, api: { square }, transportClass }).listen(port)
      const attempt = () => {
        const socket = net.connect(port, '127.0.0.1')
        socket.on('connect', () => {
          socket.destroy()
          console.log(`listening on 127.0.0.1:${port}`)
        })
        socket.on('error', () => setTimeout(attempt, 20))
      }
      attempt()
    })
  })
}

const run = async (kite, count, window) => {
  let begun = 0
  const caller = async () => {
    while (begun < count) {
      const number = begun++ % 1000
      const squared = await kite.tell('square', number)
      if (squared !== number * number) throw new Error(`${number} squared is not ${squared}`)
    }
  }
  await Promise.all(Array.from({ length: window }, caller))
}

const calls = async (url, count, window) => {
  const kite = new Kite({ url, autoReconnect: false, logLevel: 0, transportClass: Kite.transport.WebSocket })
  await new Promise((resolve, reject) => {
    kite.once('open', resolve)
    kite.once('close', () => reject(new Error(`cannot connect to ${url}`)))
  })
  await run(kite, count / 10, window)
  const begun = process.hrtime.bigint()
  await run(kite, count, window)
  console.log(String(process.hrtime.bigint() - begun))
  process.exit()
}

const [wish, url, count, window] = process.argv.slice(2)
if (wish === 'serve') serve()
else calls(url, Number(count), Number(window)).catch((error) => { console.error(error); process.exit(1) })
