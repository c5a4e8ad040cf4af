// Calls a method and tells its result.
const { Kite } = require('kite.js')
const [url, transport] = process.argv.slice(1)
const options = { url, autoReconnect: false, logLevel: 0 }
if (transport) {
  options.transportClass = Kite.transport.SockJS
  options.transportOptions = { transports: [transport] }
}
const kite = new Kite(options)
kite.tell('square', [5]).then((result) => {
  console.log(`ok ${result}`)
  process.exit()
})
