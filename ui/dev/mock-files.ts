// The files of pretended workspaces.

import type { Entry } from '../src/api/documents'
import { ago } from './mock-ids.ts'
import type { World } from './mock-world.ts'

export function filesOf(folder: string): Map<string, Buffer | null> {
  const text = (...lines: string[]) => Buffer.from(`${lines.join('\n')}\n`)
  return new Map<string, Buffer | null>([
    [`${folder}/.gitignore`, text('/target')],
    [
      `${folder}/Cargo.toml`,
      text(
        '[package]',
        'name = "kindling"',
        'version = "0.3.1"',
        'edition = "2024"',
        '',
        '[dependencies]',
        'spark = "1"',
      ),
    ],
    [`${folder}/README.md`, text('# Kindling', '', 'Dry wood for a quick start.', '', '```sh', 'cargo test', '```')],
    [`${folder}/docs`, null],
    [`${folder}/docs/flue.md`, text('# The flue', '', 'It draws upwards.')],
    [`${folder}/logo.png`, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13])],
    [`${folder}/src`, null],
    [`${folder}/src/lib.rs`, text('//! Dry wood for a quick start.', '', 'mod spark;', '', 'pub use spark::Spark;')],
    ['/home/hearth', null],
  ])
}

export function listing(world: World, id: string, folder: string): Entry[] | null {
  const all = world.files.get(id) ?? new Map<string, Buffer | null>()
  const prefix = folder === '/' ? '/' : `${folder}/`
  const names = new Map<string, Entry>()
  for (const [path, bytes] of all) {
    if (!path.startsWith(prefix)) continue
    const [name = '', ...deeper] = path.slice(prefix.length).split('/')
    const isFolder = deeper.length > 0 || bytes === null
    if (!names.has(name) || isFolder) {
      names.set(name, {
        name,
        kind: isFolder ? 'folder' : 'file',
        size_bytes: bytes?.length ?? 0,
        modified_at: ago(34),
        mode: isFolder ? '755' : '644',
      })
    }
  }
  if (names.size === 0 && folder !== '/' && !all.has(folder)) return null
  const rank = (entry: Entry) => (entry.kind === 'folder' ? 0 : 1)
  return [...names.values()].toSorted((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name))
}
