// Commands to take along. Ids of kites are whatever their programs chose: pasted into a shell, one of
// somebody else must not become a command of its own.

import type { Kite } from '@/api/documents'

/** Calls the method that every kite has; `null` for an id that cannot be written safely. */
export function callCommand({ id }: Pick<Kite, 'id'>): string | null {
  // A terminal acts on control characters before the shell sees them; a dash begins an option.
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(id) || id.startsWith('-')) return null
  return `hearth kite call ${quoted(id)} kite.ping`
}

/** The text as one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
