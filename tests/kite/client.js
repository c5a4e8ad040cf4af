// Finds a kite through Hearth and calls a method of it.
//
//   npm install kite.js
//   node client.js ENVIRONMENT NAME METHOD [ARGUMENT …]      arguments are JSON
//   node client.js production math square 7
//   KITE_HOST=my-workspace node client.js hearth klient exec '{"command": "uname -a"}'
//
// KITE_HOST says which of several is meant: on which machine, or the agent of which workspace; KITE_USER says whose.
// The kite key is in ~/.kite/kite.key, or in the folder KITE_HOME. With EVERY the call is made again and again, after
// so many seconds each.
'use strict'

const fs = require('fs')
const os = require('os')
const path = require('path')
const { Kite, Kontrol } = require('kite.js')

const [environment, name, method, ...texts] = process.argv.slice(2)
const { KITE_HOME = path.join(os.homedir(), '.kite'), EVERY: every } = process.env
const { KITE_HOST: hostname, KITE_USER: username } = process.env
const keyFile = path.join(KITE_HOME, 'kite.key')
const readKey = () => fs.readFileSync(keyFile, 'utf8').trim()
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

// Says what is wrong with what was given, and ends.
function giveUp (text) {
  console.error(text)
  process.exit(2)
}
function tried (read, otherwise) {
  try {
    return read()
  } catch {
    return giveUp(otherwise)
  }
}

const usage = 'usage: node client.js ENVIRONMENT NAME METHOD [ARGUMENT …], with arguments in JSON'
if (!method) giveUp(usage)
const args = texts.map((text) => tried(() => JSON.parse(text), `the argument ${text} is no JSON\n${usage}`))
const { kontrolURL } = tried(() => claimsOf(readKey()), `cannot read a kite key from ${keyFile}`)

const kontrol = new Kontrol({
  url: kontrolURL,
  auth: { type: 'kiteKey', key: readKey() },
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
  // Perhaps somebody has put another key there, because that one has ended.
  kontrol.kite.options.auth.key = readKey()
  const found = await soon(kontrol.fetchKites({ query: { username, environment, name, hostname } }))
  // What one may see and not call has no token.
  const kites = found.filter((kite) => kite.getToken())
  if (kites.length === 0) throw new Error(`there is no ${name} in ${environment} that you may call`)
  const places = [...new Set(kites.map(({ options }) => `${options.hostname} of ${options.username}`))].sort()
  if (places.length > 1) {
    throw new Error(`there are several: ${places.join(', ')}; say which with KITE_HOST, and whose with KITE_USER`)
  }
  const [kite] = kites
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
