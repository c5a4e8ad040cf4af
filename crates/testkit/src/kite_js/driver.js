// Does with kite.js what lines of JSON on standard input say, and prints what comes of it, one line of JSON each:
// {id, do, …} is answered with {id, result} or {id, error}, and what happens by itself is {event, arguments}.
'use strict'

const net = require('net')
const readline = require('readline')
const { Kite, Kontrol, KiteServer } = require('kite.js')

// Kites, registries and servers, by the names they were given.
const kites = {}
const kontrols = {}
const servers = {}
// Functions that came from elsewhere.
const functions = []

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const tellEvent = (event, ...args) => say({ event, arguments: encode(args) })

const decode = (value) => {
  if (Array.isArray(value)) return value.map(decode)
  if (value === null || typeof value !== 'object') return value
  if (value.$event) return (...args) => tellEvent(value.$event, ...args)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, decode(member)]))
}

const encode = (value) => {
  if (typeof value === 'function') return { $function: functions.push(value) - 1 }
  if (Array.isArray(value)) return value.map(encode)
  if (value === null || typeof value !== 'object') return value === undefined ? null : value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, encode(member)]))
}

// What every kite here can be asked for.
const api = (name) => ({
  square: (number, answer) => answer(null, number * number),
  sum: (one, other, answer) => answer(null, one + other),
  // As kite.js answers, and as a Go kite wants it.
  greet: (who, answer) => answer(null, `hello ${who}`),
  greetInOne: (who, answer) => answer({ error: null, result: `hello ${who}` }),
  boom: (...args) => args[args.length - 2]({ type: 'boomError', message: 'boom happened', code: '42' }, null),
  twice: (answer) => {
    answer(null, 'first')
    answer(null, 'second')
  },
  silent: () => {},
  count: (until, each, answer) => {
    for (let i = 1; i <= until; i++) each(i)
    answer(null, { done: true })
  },
  stoppable: (answer) => answer(null, { stop: (...args) => tellEvent(`${name}.stopped`, ...args) }),
  whoCalls: (answer, { kite }) => answer(null, kite.username),
})

const by = (transport) => transport
  ? { transportClass: Kite.transport.SockJS, transportOptions: { transports: [transport] } }
  : { transportClass: Kite.transport.WebSocket }

// Tells everything that happens to a kite, and resolves when it is connected.
const follow = (as, kite) => {
  kites[as] = kite
  kite.on('close', ({ code, reason }) => tellEvent(`${as}.close`, code, reason))
  kite.on('error', (message) => tellEvent(`${as}.error`, message))
  for (const event of ['open', 'tokenExpired', 'tokenSet', 'backOffFailed', 'info']) {
    kite.on(event, (...args) => tellEvent(`${as}.${event}`, ...args.filter((arg) => typeof arg === 'string')))
  }
  return kite
}
const opened = (kite) => new Promise((resolve, reject) => {
  kite.once('open', () => resolve(true))
  kite.once('close', ({ code }) => reject(new Error(`closed before it was open: ${code}`)))
})

// A kite of a registry has `tell` with a function, any other one with a promise.
const tell = (kite, ...args) => kite instanceof Kite
  ? kite.tell(...args)
  : new Promise((resolve, reject) => kite.tell(...args, (error, result) => error ? reject(error) : resolve(result)))

const describe = ({ options }) => ({
  username: options.username,
  environment: options.environment,
  name: options.name,
  version: options.version,
  region: options.region,
  hostname: options.hostname,
  url: options.url,
  token: options.auth.key,
})

const freePort = () => new Promise((resolve) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})

const reachable = (port) => new Promise((resolve) => {
  const attempt = () => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(socket.destroy())).on('error', () => setTimeout(attempt, 20))
  }
  attempt()
})

const { watchKites } = Object.getPrototypeOf(Kontrol.prototype)

const deeds = {
  // Connects a kite, called `as`, to `url`: by raw WebSocket, or by the `transport` of SockJS.
  kite: ({ as, url, transport, auth, reconnect = false, ...rest }) => opened(follow(as, new Kite({
    url, auth: auth || undefined, api: api(as), autoReconnect: reconnect, logLevel: 0, ...by(transport), ...rest,
  }))),
  // Connects a kite that is there.
  connect: ({ kite, transport }) => {
    Object.assign(kites[kite].options, by(transport))
    kites[kite].connect()
    return opened(kites[kite])
  },
  disconnect: ({ kite }) => kites[kite].disconnect(),
  tell: ({ kite, method, arguments: args }) =>
    args === null ? tell(kites[kite], method) : tell(kites[kite], method, decode(args)),
  invoke: ({ function: number, arguments: args }) => { functions[number](...decode(args)) },
  token: ({ kite }) => kites[kite].getToken(),
  setToken: ({ kite, token }) => { kites[kite].setToken(token) },
  expire: ({ kite }) => { kites[kite].expireToken() },
  // Connects to the registry at `url`. It is a kite called `as`, too, which answers the registry's calls.
  kontrol: ({ as, url, auth, transport, ...descriptor }) => {
    const kontrol = kontrols[as] = new Kontrol({ url, auth, logLevel: 0, ...by(transport), ...descriptor })
    kontrol.on('error', () => {})
    return opened(follow(as, kontrol.kite))
  },
  // What is found can be connected as `as.0`, `as.1` and so on.
  fetchKites: async ({ kontrol, query, as = kontrol }) => {
    const found = await kontrols[kontrol].fetchKites({ query })
    return found.map((kite, number) => describe(follow(`${as}.${number}`, kite)))
  },
  fetchKite: async ({ kontrol, query, as }) =>
    describe(follow(as, await kontrols[kontrol].fetchKite({ query }))),
  // Events are `as.register`, `as.deregister` and `as.failed`.
  watchKites: ({ kontrol, query, as }) => new Promise((resolve, reject) => {
    // With the promise of `Kontrol`, what is there from the beginning is told before anybody can listen.
    watchKites.call(kontrols[kontrol], { query }, (error, watch) => {
      if (error) return reject(error)
      for (const event of ['register', 'deregister']) {
        watch.changes.on(event, (kite) => tellEvent(`${as}.${event}`, describe(kite)))
      }
      watch.changes.on('error', (error) => tellEvent(`${as}.failed`, error))
      resolve(watch.watcherID)
    })
  }),
  cancelWatcher: ({ kontrol, watcher }) => kontrols[kontrol].cancelWatcher(watcher),
  register: ({ kontrol, url }) => kontrols[kontrol].register(url),
  // Starts a server, and answers its port.
  server: async ({ as, kind, port, prefix, key, ...rest }) => {
    const server = servers[as] = new KiteServer({
      name: as, logLevel: 0, prefix, api: api(as), transportClass: KiteServer.transport[kind], ...rest,
    })
    server.key = key
    server.on('info', (message) => tellEvent(`${as}.info`, message))
    const chosen = port || await freePort()
    server.listen(chosen)
    await reachable(chosen)
    return chosen
  },
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, do: deed, ...rest } = JSON.parse(line)
  try {
    say({ id, result: encode(await deeds[deed](rest)) })
  } catch (error) {
    const { type, message = String(error), code } = error
    say({ id, error: { type, message, code } })
  }
}).on('close', () => process.exit())
