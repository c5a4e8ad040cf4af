// What terminals are called on their tabs.

import type { Terminal } from '@/api/documents'

/** `bash 1`, `bash 2`: numbered only where there are several of the name. */
export function labels(terminals: Terminal[]): Map<number, string> {
  const counts = new Map<string, number>()
  for (const { title } of terminals) counts.set(title, (counts.get(title) ?? 0) + 1)
  const seen = new Map<string, number>()
  return new Map(
    terminals.map(({ id, title }) => {
      const number = (seen.get(title) ?? 0) + 1
      seen.set(title, number)
      return [id, (counts.get(title) ?? 0) > 1 ? `${title} ${number}` : title]
    }),
  )
}
