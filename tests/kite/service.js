// A service that others find through Hearth: it registers, stays registered, and answers nobody without a good token.
//
//   KITE_HOME=~/.kite PORT=7000 URL=http://math.example.com:7000 node service.js
//
// KITE_HOME is the folder of the file kite.key. URL is where callers reach this machine; it listens on all addresses.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const os = require('os')
const path = require('path')
const { Kite, Kontrol, KiteServer } = require('kite.js')

// What the service can do. The first argument is the verified name of whoever calls; a promise may be returned.
const methods = {
  square: (caller, number) => number * number,
  whoCalls: (caller) => caller,
}

const { PORT: port = '7000', URL: url = `http://${os.hostname()}:${port}` } = process.env
const keyFile = path.join(process.env.KITE_HOME || path.join(os.homedir(), '.kite'), 'kite.key')
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'))
const claimsOf = (token) => decode(token.split('.')[1])

// --- The registry ---

let kiteKey = fs.readFileSync(keyFile, 'utf8').trim()
const { kontrolURL, kontrolKey, iss, sub } = claimsOf(kiteKey)

const kontrol = new Kontrol({
  url: kontrolURL,
  transportClass: Kite.transport.WebSocket, // without it, `Kontrol` finds none
  auth: { type: 'kiteKey', key: kiteKey },
  username: sub.replace(/[/%]/g, encodeURIComponent),
  environment: 'production',
  name: 'math',
  version: '1.0.0',
  region: 'local',
  hostname: os.hostname(),
  logLevel: 1,
})
const ask = (method, args) => new Promise((resolve, reject) =>
  kontrol.kite.tell(method, args, (error, result) => error ? reject(error) : resolve(result)))

// A registration lives as long as its connection, so this is done again whenever there is a new one.
async function register () {
  try {
    const registered = await ask('register', [{ url }])
    if (registered.publicKey) trust(registered.publicKey)
    if (registered.kiteKey) keep(registered.kiteKey)
    console.log(`registered at ${registered.url}`)
  } catch (error) {
    console.error(`cannot register: ${error.message}`)
    setTimeout(() => kontrol.kite.readyState === 1 && register(), 10000)
  }
}

// The registry gives a new kite key in time, before the old one ends.
function keep (key) {
  const draft = `${keyFile}.new`
  fs.writeFileSync(draft, key, { mode: 0o600 })
  fs.renameSync(draft, keyFile)
  kiteKey = kontrol.kite.options.auth.key = key
}

kontrol.on('open', register)
// Without this, an error would end the program.
kontrol.on('error', () => console.error('cannot reach the registry'))
// kite.js would go on with the heartbeats of the connection that has ended, …
kontrol.kite.on('close', () => kontrol.kite.cleanTimerHandlers())
// … and would try to connect fifty times only.
kontrol.kite.on('backOffFailed', () => setTimeout(() => kontrol.connect(), 15000))

// --- Who calls ---

// Public keys of the registry. A token of an unknown one makes us ask which is the present one.
const keys = new Set([kontrolKey])
const trust = (key) => keys.add(key)
let askedAt = 0

async function isSigned (token) {
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  const fits = () => [...keys].some((key) => crypto.verify('sha256', Buffer.from(token.slice(0, end)), key, signature))
  if (fits()) return true
  if (Date.now() - askedAt < 30000) return false
  askedAt = Date.now()
  trust(await ask('getKey', []))
  return fits()
}

// The name of whoever a token was made for, if it is for this kite and no other.
async function callerOf (authentication) {
  const { type, key } = authentication || {}
  const refused = { type: 'authenticationError', message: 'token is not valid' }
  if (type !== 'token' || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(key)) throw refused
  if (decode(key.split('.')[0]).alg !== 'RS256' || !await isSigned(key)) throw refused
  const claims = claimsOf(key)
  const { username, environment, name, version, region, hostname, id } = kontrol.kite.getKiteInfo()
  const us = `/${[username, environment, name, version, region, hostname, id].join('/')}`
  const now = Date.now() / 1000
  if (claims.iss !== iss || claims.aud !== us || !(claims.nbf <= now + 60)) throw refused
  if (!(now < claims.exp)) throw { ...refused, message: 'token is expired' }
  return claims.sub
}

// --- The server ---

// As kite.js calls it: the arguments, the function that takes the answer, and who calls.
const served = (method) => async (...args) => {
  const { kite } = args.pop()
  const answer = args.pop()
  try {
    answer(null, await method(kite.username, ...args))
  } catch (error) {
    console.error(error)
    answer({ type: 'genericError', message: 'the call failed' })
  }
}

// kite.js lets everybody in, whatever its option `auth` says, and ends when somebody sends what it does not
// expect. So each message is looked at before it is given to kite.js, which then has nothing left to judge.
async function admit (text) {
  const message = JSON.parse(text)
  const { method, arguments: args, callbacks } = message
  if (!Array.isArray(args)) throw new Error('no arguments')
  // A function that we gave to somebody who was let in.
  if (typeof method === 'number') return JSON.stringify({ method, arguments: args, callbacks })
  const [{ kite, authentication, withArgs = [], responseCallback }] = args
  if (responseCallback !== '[Function]') throw new Error('nobody waits for the answer')
  const call = (name, args, username) => JSON.stringify({
    method: name,
    arguments: [{ kite: { ...kite, username }, withArgs: args, responseCallback }],
    callbacks,
  })
  const refuse = (type, message) => call('refuse', [{ type, message }])
  if (method === 'kite.ping') return call(method, [])
  try {
    const caller = await callerOf(authentication)
    if (!Object.hasOwn(methods, method)) return refuse('methodNotFound', `Method not found: ${method}`)
    return call(method, [].concat(withArgs), caller)
  } catch (error) {
    return refuse(error.type || 'authenticationError', error.type ? error.message : 'token is not valid')
  }
}

class Service extends KiteServer {
  onConnection (connection) {
    super.onConnection(connection)
    const [handle] = connection.listeners('message')
    connection.removeListener('message', handle)
    let last = Promise.resolve()
    connection.on('message', (text) => {
      last = last.then(() => admit(text)).then(handle).catch(() => connection.close())
    })
    connection.connection.on('error', () => connection.close())
  }
}

const api = { refuse: (error, answer) => answer(error) }
for (const [name, method] of Object.entries(methods)) api[name] = served(method)
new Service({ name: 'math', logLevel: 1, api }).listen(Number(port))
