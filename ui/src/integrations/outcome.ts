// What a round trip to a forge ended in, as the server writes it into the address on the way back.

export type Outcome =
  | { kind: 'linked'; forge: string }
  | { kind: 'failed'; code: string; forge: string | null; detail: string; mend: string }

/** Whoever makes a link can write into it: no more than a sentence or two of it is shown. */
const MOST_CHARACTERS = 400
const NAMES = ['linked', 'link_error', 'forge', 'detail', 'mend']

/** Takes the outcome out of a query string; `rest` is the query without it, otherwise as it was written. */
export function readOutcome(search: string): { outcome: Outcome | null; rest: string } {
  const outcome = outcomeOf(new URLSearchParams(search))
  if (outcome === null) return { outcome, rest: search }
  const isOurs = (pair: string) => NAMES.some((name) => new URLSearchParams(pair).has(name))
  const pairs = search.replace(/^\?/, '').split('&')
  const rest = pairs.filter((pair) => pair !== '' && !isOurs(pair)).join('&')
  return { outcome, rest: rest === '' ? '' : `?${rest}` }
}

/** The same for a whole path with query and fragment. */
export function readOutcomeOf(path: string): { outcome: Outcome | null; path: string } {
  const [, before = path, search = '', hash = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/.exec(path) ?? []
  const { outcome, rest } = readOutcome(search)
  return { outcome, path: outcome === null ? path : before + rest + hash }
}

function outcomeOf(query: URLSearchParams): Outcome | null {
  const code = query.get('link_error')
  if (code !== null) {
    const text = (name: string) => (query.get(name) ?? '').trim().slice(0, MOST_CHARACTERS)
    return { kind: 'failed', code, forge: query.get('forge'), detail: text('detail'), mend: text('mend') }
  }
  const forge = query.get('linked')
  return forge === null ? null : { kind: 'linked', forge }
}
