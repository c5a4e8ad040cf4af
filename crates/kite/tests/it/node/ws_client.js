// Sends text, which comes back, then bytes, for which it is closed.
const WebSocket = require('ws')
const [url] = process.argv.slice(1)
const sent = ['{}', 'é\u2028"\\', '', 'x'.repeat(100000)]
const socket = new WebSocket(url)
let got = 0
socket.on('open', () => sent.forEach((message) => socket.send(message)))
socket.on('message', (message) => {
  if (message.toString() !== sent[got++]) throw new Error(`message ${got} is ${message.slice(0, 100)}`)
  if (got === sent.length) socket.send(Buffer.from([1, 2, 3]))
})
socket.on('close', (code) => console.log(`ok ${code}`))
