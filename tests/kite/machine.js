// Exchanges a one-time code, from `hearth kite key code` or the web interface, for a kite key, and keeps that.
//
//   npm install kite.js
//   node machine.js https://hearth.example.com/kite CODE
//
// The key is put into ~/.kite/kite.key, or into the folder KITE_HOME.
'use strict'

const fs = require('fs')
const os = require('os')
const path = require('path')
const { Kite } = require('kite.js')

const [registry, code] = process.argv.slice(2)
const { KITE_HOME = path.join(os.homedir(), '.kite') } = process.env
const keyFile = path.join(KITE_HOME, 'kite.key')

function end (status, text) {
  console[status === 0 ? 'log' : 'error'](text)
  process.exit(status)
}

if (!code) end(2, 'usage: node machine.js REGISTRY CODE')
// A code works once, so this is not found out afterwards.
if (fs.existsSync(keyFile)) end(2, `${keyFile} is there already; remove it, or name another folder in KITE_HOME`)
fs.mkdirSync(KITE_HOME, { recursive: true, mode: 0o700 })

function connect () {
  try {
    // The host's name is what the key is called.
    return new Kite({ url: registry, hostname: os.hostname(), logLevel: 0 })
  } catch (error) {
    return end(2, `${registry} is not the address of a registry: ${error.message}`)
  }
}

const kontrol = connect()
kontrol.on('error', () => end(1, `cannot reach ${registry}`))
// kite.js waits for ever for what does not answer.
setTimeout(() => end(1, `${registry} does not answer`), 15000)
kontrol.tell('registerMachine', [{ authType: 'token', token: code }])
  .then((key) => {
    fs.writeFileSync(keyFile, key, { mode: 0o600, flag: 'wx' })
    end(0, `kept in ${keyFile}`)
  })
  .catch((error) => end(1, error.message))
