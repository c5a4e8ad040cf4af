// Sends messages of every kind and wants each back, in order.
const SockJS = require('sockjs-client')
const [url, transport] = process.argv.slice(1)
const sent = ['{}', 'é\u2028"\\\u0001\ufff0', '', 'x'.repeat(100000)]
for (let i = 0; i < 200; i++) sent.push(String(i))
const socket = new SockJS(url, null, { transports: [transport] })
let got = 0
socket.onopen = () => sent.forEach((message) => socket.send(message))
socket.onmessage = (event) => {
  if (event.data !== sent[got++]) throw new Error(`message ${got} is ${event.data.slice(0, 100)}`)
  if (got === sent.length) {
    console.log(`ok ${socket.transport}`)
    process.exit()
  }
}
socket.onclose = (event) => { throw new Error(`${event.code} ${event.reason} after ${got}`) }
