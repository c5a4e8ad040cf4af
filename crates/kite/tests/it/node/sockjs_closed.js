// Asks to be closed, and tells how that went.
const SockJS = require('sockjs-client')
const [url, transport] = process.argv.slice(1)
const socket = new SockJS(url, null, { transports: [transport] })
socket.onopen = () => socket.send('close')
socket.onclose = (event) => {
  console.log(`ok ${event.code} ${event.reason}`)
  process.exit()
}
