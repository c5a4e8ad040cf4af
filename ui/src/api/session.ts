// Who is signed in.

import { queryOptions } from '@tanstack/react-query'
import { answer, api } from './client'
import type { Me } from './documents'
import { ProblemError } from './problem'

/** The person at this browser; `null` when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  staleTime: 60_000,
  queryFn: async (): Promise<Me | null> => {
    try {
      return await answer(api.GET('/api/v1/me'))
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) return null
      throw error
    }
  },
})

/** Whether the server still waits for its first administrator. */
export const setupQuery = queryOptions({
  queryKey: ['setup'],
  staleTime: 0,
  queryFn: () => answer(api.GET('/api/v1/setup')),
})
