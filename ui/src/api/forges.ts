// Forges, and the accounts one has on them.

import { queryOptions } from '@tanstack/react-query'
import { answer, api } from './client'

/** The ways to sign in, for everybody to see. */
export const signInOptionsQuery = queryOptions({
  queryKey: ['sign-in-options'],
  staleTime: 60_000,
  queryFn: () => answer(api.GET('/api/v1/session/options')),
})

/** The registered forges of the platform, or of one team. */
export const forgesQuery = (team?: string) =>
  queryOptions({
    queryKey: ['forges', team ?? null],
    queryFn: () => answer(api.GET('/api/v1/forges', { params: { query: team === undefined ? {} : { team } } })),
  })

export const forgeQuery = (id: string) =>
  queryOptions({
    queryKey: ['forge', id],
    queryFn: () => answer(api.GET('/api/v1/forges/{id}', { params: { path: { id } } })),
  })

/** Every forge one may link an account of, linked or not. */
export const integrationsQuery = queryOptions({
  queryKey: ['integrations'],
  queryFn: () => answer(api.GET('/api/v1/me/integrations')),
})

export const sshKeyQuery = queryOptions({
  queryKey: ['ssh-key'],
  queryFn: () => answer(api.GET('/api/v1/me/ssh-key')),
})

export const gitPreferencesQuery = queryOptions({
  queryKey: ['git-preferences'],
  queryFn: () => answer(api.GET('/api/v1/me/git')),
})
