// The registry: kites one may see, whom they are shared with, and the keys behind them.

import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { answer, api } from './client'

/** The kites one may see; only those of a version where one, or a constraint, is given. */
export const kitesQuery = (version = '') =>
  queryOptions({
    queryKey: ['kites', version],
    queryFn: () => answer(api.GET('/api/v1/kites', { params: { query: version === '' ? {} : { version } } })),
  })

export const kiteQuery = (id: string) =>
  queryOptions({
    queryKey: ['kite', id],
    queryFn: () => answer(api.GET('/api/v1/kites/{id}', { params: { path: { id } } })),
  })

/** With whom a kite of one's own is shared. */
export const kiteSharesQuery = (id: string) =>
  queryOptions({
    queryKey: ['kite-shares', id],
    queryFn: () => answer(api.GET('/api/v1/kites/{id}/shares', { params: { path: { id } } })),
  })

export const kiteKeysQuery = queryOptions({
  queryKey: ['kite-keys'],
  queryFn: () => answer(api.GET('/api/v1/kite-keys')),
})

export const registryKeysQuery = queryOptions({
  queryKey: ['registry-keys'],
  queryFn: () => answer(api.GET('/api/v1/admin/registry-keys')),
})

/** Reads what is shown of kites anew: of one of them, or (`null`) of all. */
export function refreshKites(client: QueryClient, id: string | null): void {
  void client.invalidateQueries({ queryKey: ['kites'] })
  void client.invalidateQueries({ queryKey: id === null ? ['kite'] : ['kite', id] })
  // They say how many kites are registered with each.
  void client.invalidateQueries({ queryKey: kiteKeysQuery.queryKey })
}
