// Fails when the pages grow heavier than people on a slow line should have to wait for.

import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const KB = 1024
const dist = join(import.meta.dirname, '..', 'dist')
const assets = join(dist, 'assets')
const names = readdirSync(assets)

/** What travels: the brotli copy where there is one. */
function travelling(path) {
  return statSync(names.includes(`${path.split('/').at(-1)}.br`) ? `${path}.br` : path).size
}
const sizeOf = (pattern) =>
  names.filter((name) => pattern.test(name)).reduce((sum, name) => sum + travelling(join(assets, name)), 0)

const page = readFileSync(join(dist, 'index.html'), 'utf8')
const first = [...page.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g)]
  .map((match) => travelling(join(dist, match[1])))
  .reduce((sum, size) => sum + size, 0)

const budgets = [
  ['first load, with the list of workspaces', first + sizeOf(/^list-page-.*\.js$/), 170 * KB],
  ['terminal', sizeOf(/^view-.*\.(js|css)$/), 100 * KB],
]
let isOver = false
for (const [what, size, most] of budgets) {
  console.log(`${size > most ? 'OVER ' : ''}${what}: ${(size / KB).toFixed(1)} of ${most / KB} KB`)
  isOver ||= size === 0 || size > most
}
process.exitCode = isOver ? 1 : 0
