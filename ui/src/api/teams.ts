// Teams and what belongs to them.

import { queryOptions } from '@tanstack/react-query'
import { answer, api } from './client'

/** The teams one belongs to; an administrator's list holds all. */
export const teamsQuery = queryOptions({
  queryKey: ['teams'],
  staleTime: 60_000,
  queryFn: () => answer(api.GET('/api/v1/teams')),
})

export const teamQuery = (team: string) =>
  queryOptions({
    queryKey: ['team', team],
    queryFn: () => answer(api.GET('/api/v1/teams/{team}', { params: { path: { team } } })),
  })

export const membersQuery = (team: string) =>
  queryOptions({
    queryKey: ['team', team, 'members'],
    queryFn: () => answer(api.GET('/api/v1/teams/{team}/members', { params: { path: { team } } })),
  })

export const invitationsQuery = (team: string) =>
  queryOptions({
    queryKey: ['team', team, 'invitations'],
    queryFn: () => answer(api.GET('/api/v1/teams/{team}/invitations', { params: { path: { team } } })),
  })

export const secretsQuery = (team: string) =>
  queryOptions({
    queryKey: ['team', team, 'secrets'],
    queryFn: () => answer(api.GET('/api/v1/teams/{team}/secrets', { params: { path: { team } } })),
  })

export const platformSettingsQuery = queryOptions({
  queryKey: ['platform-settings'],
  queryFn: () => answer(api.GET('/api/v1/admin/settings')),
})

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  staleTime: 0,
  queryFn: () => answer(api.GET('/api/v1/admin/keys')),
  // A rotation under way is watched; otherwise nothing moves.
  refetchInterval: ({ state }) => (state.data?.rotation ? 1000 : false),
})

/** The team's workspaces that one may see: one's own, or all for those who manage it. */
export const teamWorkspacesQuery = (team: string) =>
  queryOptions({
    queryKey: ['team', team, 'workspaces'],
    queryFn: () => answer(api.GET('/api/v1/workspaces', { params: { query: { team, limit: 100 } } })),
  })
