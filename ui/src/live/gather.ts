// One act for many calls that come close together, such as news of a hundred kites after a restart.

export interface Gathered<T> {
  add(item: T): void
  /** Forgets what has not been acted on. */
  cancel(): void
}

/** Acts on what came in, once nothing more came for `quietMs`; after `mostMs` even if it goes on coming. */
export function gather<T>(quietMs: number, mostMs: number, act: (items: Set<T>) => void): Gathered<T> {
  let items = new Set<T>()
  let quiet: ReturnType<typeof setTimeout> | undefined
  let most: ReturnType<typeof setTimeout> | undefined

  const cancel = () => {
    clearTimeout(quiet)
    clearTimeout(most)
    most = undefined
    items = new Set()
  }
  const flush = () => {
    const gathered = items
    cancel()
    act(gathered)
  }
  return {
    add(item) {
      items.add(item)
      clearTimeout(quiet)
      quiet = setTimeout(flush, quietMs)
      most ??= setTimeout(flush, mostMs)
    },
    cancel,
  }
}
