// Leaving for a forge's page, and the address to come back to.

import { ProblemError } from '@/api/problem'
import { readOutcome } from './outcome'

/** This page, without what an earlier round trip left in its address. */
export function here(): string {
  const { rest } = readOutcome(location.search)
  // A backslash is no part of a path the server would send a browser back to.
  return (location.pathname + rest + location.hash).replaceAll('\\', '%5C')
}

/** Goes to a forge's consent page. Anything that is no web page is refused: it would run here. */
export function leaveFor(address: string): void {
  location.assign(webAddress(address))
}

/** The address, if it is one of a web page. */
export function webAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href
  throw new ProblemError({
    code: 'bad_address',
    detail: 'the server named no web page to go to',
    mend: 'ask an administrator to check the forge’s address',
  })
}
