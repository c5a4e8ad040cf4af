// A service that others find through Hearth: it registers, stays registered, and answers nobody without a good token.
//
//   npm install kite.js
//   PORT=7000 URL=http://math.example.com:7000 node service.js
//
// URL is where callers reach this machine; it listens on all addresses. The kite key is in ~/.kite/kite.key, or in
// the folder KITE_HOME. No other program may use the same file: keys that follow this one are kept there.
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

const readKey = () => fs.readFileSync(keyFile, 'utf8').trim()
const [kiteKey, { kontrolURL, kontrolKey, iss, sub }] = firstKey()

function firstKey () {
  try {
    const key = readKey()
    return [key, claimsOf(key)]
  } catch {
    console.error(`cannot read a kite key from ${keyFile}`)
    return process.exit(2)
  }
}

// What is sent in the moment in which a connection ends would end the program.
class Transport extends Kite.transport.WebSocket {
  send (text) { super.send(text, () => {}) }
}

const kontrol = new Kontrol({
  url: kontrolURL,
  transportClass: Transport, // without one, `Kontrol` finds none
  auth: { type: 'kiteKey', key: kiteKey },
  username: sub.replace(/[/%]/g, encodeURIComponent),
  environment: 'production',
  name: 'math',
  version: '1.0.0',
  region: 'local',
  hostname: os.hostname(),
  logLevel: 1,
})
// kite.js waits for ever for an answer that was lost with its connection.
const ask = (method, args) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('there is no answer')), 15000).unref()
  kontrol.kite.tell(method, args, (error, result) => error ? reject(error) : resolve(result))
})

// A registration lives as long as its connection, so this is done again whenever there is a new one.
async function register () {
  try {
    const registered = await ask('register', [{ url }])
    if (registered.publicKey) trust(registered.publicKey)
    if (registered.kiteKey) keep(registered.kiteKey)
    console.log(`registered at ${registered.url}`)
  } catch (error) {
    console.error(`cannot register: ${error.message}`)
    setTimeout(() => {
      if (error.type === 'authenticationError') readAgain()
      if (kontrol.kite.readyState === 1) register()
    }, 10000)
  }
}

const present = (key) => { kontrol.kite.options.auth.key = key }

// The registry gives a new kite key in time, before the old one ends.
function keep (key) {
  present(key)
  try {
    const draft = `${keyFile}.new`
    fs.rmSync(draft, { force: true })
    fs.writeFileSync(draft, key, { mode: 0o600 })
    fs.renameSync(draft, keyFile)
  } catch (error) {
    console.error(`cannot keep the new kite key: ${error.message}`)
  }
}

// Perhaps the key has ended, and somebody has put another one there.
function readAgain () {
  try {
    present(readKey())
  } catch (error) {
    console.error(`cannot read the kite key: ${error.message}`)
  }
}

kontrol.on('open', register)
// Without this, an error would end the program.
kontrol.on('error', () => console.error('cannot reach the registry'))
// kite.js would go on with the heartbeats of the connection that has ended, …
kontrol.kite.on('close', () => kontrol.kite.cleanTimerHandlers())
// … and would try to connect fifty times only.
kontrol.kite.on('backOffFailed', () => setTimeout(() => kontrol.connect(), 15000))

// --- Who calls ---

// Public keys of the registry: the present one, and for an hour the one before it. By then callers have new tokens.
let keys = [{ key: kontrolKey, until: Infinity }]
function trust (key) {
  const [{ key: before }] = keys
  if (key !== before) keys = [{ key, until: Infinity }, { key: before, until: Date.now() + 3600e3 }]
}

// A key that is not known makes us ask which is the present one, but strangers shall not make us ask all the time.
let asked = { at: -Infinity }
function learn () {
  if (Date.now() - asked.at >= 30000) {
    const answer = ask('getKey', []).then(trust)
    asked = { at: Date.now(), answer: answer.catch((error) => console.error(`cannot get the key: ${error.message}`)) }
  }
  return asked.answer
}
// One that the registry gave up is given up here, even if nobody comes with a new one.
setInterval(learn, 600e3)

async function isSigned (token) {
  const end = token.lastIndexOf('.')
  const [text, signature] = [Buffer.from(token.slice(0, end)), Buffer.from(token.slice(end + 1), 'base64url')]
  const fits = () => keys.some(({ key, until }) => Date.now() < until && crypto.verify('sha256', text, key, signature))
  if (fits()) return true
  await learn()
  return fits()
}

// The name of whoever a token was made for, if it is for this kite and no other.
async function callerOf (authentication) {
  const { type, key } = authentication || {}
  const refused = { type: 'authenticationError', message: 'token is not valid' }
  // With this sentence callers fetch another one.
  const expired = { ...refused, message: 'token is expired' }
  if (type !== 'token' || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(key)) throw refused
  if (decode(key.split('.')[0]).alg !== 'RS256') throw refused
  // So it looks after the registry has changed its key, too.
  if (!await isSigned(key)) throw expired
  const claims = claimsOf(key)
  const { username, environment, name, version, region, hostname, id } = kontrol.kite.getKiteInfo()
  const us = `/${[username, environment, name, version, region, hostname, id].join('/')}`
  const now = Date.now() / 1000
  if (claims.iss !== iss || claims.aud !== us || !(claims.nbf <= now + 60)) throw refused
  if (!(now < claims.exp)) throw expired
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

// The caller's functions: the one that takes the answer, and those in the arguments. kite.js would put functions
// wherever the caller says, over the verified name too, and would answer to what is none.
function functionsOf (call, callbacks) {
  const found = { answers: [], inArguments: [] }
  for (const [number, steps] of Object.entries(callbacks || {})) {
    const [first, ...rest] = Array.from(steps, String)
    const step = (at, name) => typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? at[name] : undefined
    const isThere = first === '0' && rest.reduce(step, call) === '[Function]'
    if (!isThere || !/^(0|[1-9]\d{0,14})$/.test(number)) throw new Error('a function is not where it is said to be')
    if (rest[0] === 'responseCallback') found.answers.push([number, ['0', ...rest]])
    // A single argument need not be in a list; it is put into one below.
    if (rest[0] === 'withArgs' && !Array.isArray(call.withArgs)) rest.splice(1, 0, '0')
    if (rest[0] === 'withArgs') found.inArguments.push([number, ['0', ...rest]])
  }
  if (found.answers.length !== 1) throw new Error('nobody waits for the answer')
  return found
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
  const { answers, inArguments } = functionsOf(args[0], callbacks)
  const call = (name, args, username, functions = []) => JSON.stringify({
    method: name,
    arguments: [{ kite: { ...kite, username }, withArgs: args, responseCallback }],
    callbacks: Object.fromEntries([...answers, ...functions]),
  })
  const refuse = (type, message) => call('refuse', [{ type, message }])
  if (method === 'kite.ping') return call(method, [])
  try {
    const caller = await callerOf(authentication)
    if (!Object.hasOwn(methods, method)) return refuse('methodNotFound', `Method not found: ${method}`)
    const list = [].concat(withArgs)
    if (list.length > 100) return refuse('argumentError', 'too many arguments')
    return call(method, list, caller, inArguments)
  } catch (error) {
    return refuse(error.type || 'authenticationError', error.type ? error.message : 'token is not valid')
  }
}

class Service extends KiteServer {
  onConnection (connection) {
    super.onConnection(connection)
    // Whoever asked may have gone before the answer, which would end the program.
    connection.send = (text) => connection.connection.send(text, () => {})
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
