// How a forge and a step of its check are, in a word and a tone.

import type { Forge, ForgeCheckStep } from '@/api/documents'
import type { BadgeTone } from '@/ui/badge'

export function forgeState(state: Forge['state']): { word: string; tone: BadgeTone } {
  switch (state) {
    case 'verified':
      return { word: 'Works', tone: 'running' }
    case 'faulty':
      return { word: 'Faulty', tone: 'failed' }
    default:
      return { word: 'Not verified', tone: 'stopped' }
  }
}

/** Step names in the order they are tried, in words. */
export const STEPS: Record<string, string> = {
  resolve: 'Find the host',
  tls: 'Secure connection',
  version: 'Version',
  application: 'Application',
  authorise: 'Sign-in page',
  scopes: 'Permissions',
  clone: 'Clone over HTTPS',
  ssh: 'Git over SSH',
  reach_back: 'Reach this Hearth',
}

export function stepTitle(name: ForgeCheckStep['name']): string {
  return STEPS[name] ?? name
}

export const OUTCOMES: Record<string, string> = {
  ok: 'Went well',
  failed: 'Failed',
  warning: 'Worth knowing',
  skipped: 'Skipped',
}
