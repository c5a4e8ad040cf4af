// Ids and times of the pretended world.

let counter = 0
/** Ids that look like the real ones and sort by time. */
export function newId(prefix: string): string {
  counter += 1
  return `${prefix}_01k9x4m2${String(counter).padStart(4, '0')}c7v3qhf8rz0tye`
}

export function ago(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString()
}
