// How an integration is, in a word and a tone: pure, and the same everywhere.

import type { Integration, SshUpload } from '@/api/documents'
import type { BadgeTone } from '@/ui/badge'

interface Meaning {
  word: string
  tone: BadgeTone
}

/** The forge's own fault comes before the link's: no sign-in mends it. */
export function integrationState({ state, link }: Pick<Integration, 'state' | 'link'>): Meaning {
  if (state === 'faulty') return { word: 'Faulty', tone: 'failed' }
  if (link?.state === 'sign_in_needed') return { word: 'Sign-in needed', tone: 'busy' }
  if (link) return { word: 'Connected', tone: 'running' }
  return { word: state === 'pending' ? 'Not verified yet' : 'Not connected', tone: 'stopped' }
}

/** Whether the SSH key is at a forge; `null` where it does not matter. */
export function uploadState(state: SshUpload['state']): Meaning | null {
  switch (state) {
    case 'uploaded':
      return { word: 'Uploaded', tone: 'running' }
    case 'pending':
      return { word: 'On its way', tone: 'busy' }
    case 'failed':
      return { word: 'Not uploaded', tone: 'failed' }
    case 'unsupported':
      return { word: 'To be added by hand', tone: 'stopped' }
    default:
      return null
  }
}

/** Scopes that are asked for: what is required and what was ticked, in the forge's own order. */
export function askedScopes(known: { name: string; required: boolean }[], ticked: ReadonlySet<string>): string[] {
  return known.filter(({ name, required }) => required || ticked.has(name)).map(({ name }) => name)
}

/** Host and path of a forge, for people. */
export function hostOf(webUrl: string): string {
  return webUrl.replace(/^https?:\/\//, '').replace(/\/+$/, '')
}
