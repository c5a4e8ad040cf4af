// Finds a kite through Hearth and calls a method of it.
//
//   node client.js ENVIRONMENT NAME METHOD [ARGUMENT …]      arguments are JSON
//   node client.js production math square 7
//   node client.js hearth klient exec '{"command": "uname -a"}'
//
// KITE_HOME is the folder of the file kite.key; KITE_HOST says which kite, such as the name of a workspace. With EVERY
// the call is made again and again, after so many seconds each.
'use strict'

const fs = require('fs')
const os = require('os')
const path = require('path')
const { Kite, Kontrol } = require('kite.js')

const [environment, name, method, ...texts] = process.argv.slice(2)
const args = texts.map((text) => JSON.parse(text))
const { KITE_HOME = path.join(os.homedir(), '.kite'), KITE_HOST: hostname, EVERY: every } = process.env
const kiteKey = fs.readFileSync(path.join(KITE_HOME, 'kite.key'), 'utf8').trim()
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

const kontrol = new Kontrol({
  url: claimsOf(kiteKey).kontrolURL,
  auth: { type: 'kiteKey', key: kiteKey },
  transportClass: Kite.transport.WebSocket, // without it, `Kontrol` finds none
  logLevel: 0,
})
// Without this, an error would end the program.
kontrol.on('error', () => console.error('cannot reach the registry'))

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
// kite.js waits for ever for what does not answer.
const soon = (promise) => Promise.race([
  promise,
  pause(15).then(() => { throw new Error('there is no answer') }),
])

// `fetchKite` would end the program if there is none.
async function find () {
  const found = await soon(kontrol.fetchKites({ query: { environment, name, hostname } }))
  // What one may see and not call has no token.
  const kite = found.find((kite) => kite.getToken())
  if (!kite) throw new Error(`there is no ${name} in ${environment} that you may call`)
  kite.on('error', () => console.error(`cannot reach ${kite.options.url}`))
  kite.connect()
  keepFresh(kite)
  return kite
}

// kite.js fetches the next token five minutes before the first one ends, and then no other.
function keepFresh (kite) {
  const life = claimsOf(kite.getToken()).exp * 1000 - Date.now()
  const timer = setInterval(() => {
    if (!kite.options.autoReconnect) return clearInterval(timer)
    if (claimsOf(kite.getToken()).exp * 1000 - Date.now() < life / 2) kite.expireToken()
  }, life / 8)
  timer.unref()
}

const call = (kite) => soon(new Promise((resolve, reject) =>
  kite.tell(method, args, (error, result) => error ? reject(error) : resolve(result))))

async function main () {
  for (let kite; ;) {
    try {
      kite = kite || await find()
      console.log(JSON.stringify(await call(kite)))
      if (!every) process.exit(0)
    } catch (error) {
      console.error(`${error.type || 'error'}: ${error.message}`)
      if (!every) process.exit(1)
      // Perhaps it has moved.
      if (kite) kite.disconnect()
      kite = undefined
    }
    await pause(every)
  }
}
main()
