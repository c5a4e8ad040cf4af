// Asks the server what an address means, once one has stopped typing.

import { queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api } from '@/api/client'
import { readAddress } from '@/repository/address'
import { useSettled } from '@/time/settled'

/** Answers for the same address are the same for a while. A request nobody waits for is given up. */
export const contextQuery = (url: string) =>
  queryOptions({
    queryKey: ['context', url],
    staleTime: 60_000,
    retry: false,
    queryFn: ({ signal }) => answer(api.POST('/api/v1/contexts', { body: { url }, signal })),
  })

/** Whether an address can be sent at all: one with a password in it would be kept where it does not belong. */
export function isAskable(text: string): boolean {
  const read = readAddress(text)
  return read.kind !== 'empty' && !(read.kind === 'unusable' && read.isSecret)
}

/** What the typed text means. What the page began with is asked for at once. */
export function useContextOf(typed: string) {
  const wanted = typed.trim()
  const settled = useSettled(wanted)
  const context = useQuery({ ...contextQuery(settled), enabled: isAskable(settled) })
  const isSettled = settled === wanted
  return {
    /** The answer for exactly what is typed now. */
    context: isSettled ? context.data : undefined,
    problem: isSettled && context.isError && !context.isFetching ? context.error : null,
    isAsking: isAskable(wanted) && (!isSettled || context.isFetching),
  }
}
