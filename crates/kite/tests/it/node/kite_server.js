// Squares numbers.
const net = require('net')
const { KiteServer } = require('kite.js')
const [kind] = process.argv.slice(1)
// It tells nobody which port it was given, so a free one is looked for first.
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = probe.address()
  probe.close(() => {
    const server = new KiteServer({
      name: 'math',
      logLevel: 0,
      serverClass: kind === 'sockjs' ? KiteServer.transport.SockJS : KiteServer.transport.WebSocket,
      prefix: kind === 'sockjs' ? '/kite' : undefined,
      api: { square: (number, answer) => answer(null, number * number) },
    })
    server.on('info', () => {})
    server.listen(port)
    const ready = () => net.connect(port, '127.0.0.1').on('connect', () => console.log(port)).on('error', () => setTimeout(ready, 20))
    ready()
  })
})
