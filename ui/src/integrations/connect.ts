// Linking an account: the round trip to the forge's consent page, and the end of a link.

import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'
import { answer, api } from '@/api/client'
import { integrationsQuery, sshKeyQuery } from '@/api/forges'
import { tellProblem } from '@/ui/toast'
import { here, leaveFor } from './leave'

interface Wanted {
  forge: string
  name: string
  /** What to ask for; what the forge is registered with where absent. */
  scopes?: string[]
}

/** Asks the server for the consent page and goes there. Comes back to the page it was called on. */
export async function beginLink({ forge, scopes }: Omit<Wanted, 'name'>): Promise<void> {
  const body = { forge, return_to: here(), ...(scopes === undefined ? {} : { scopes }) }
  const begun = await answer(api.POST('/api/v1/me/links', { body }))
  if ('redirect' in begun) leaveFor(begun.redirect.authorize_url)
}

/** A button's worth of linking: pending from the click until the browser has left. */
export function useConnect(): { isLeaving: boolean; connect: (wanted: Wanted) => void } {
  const [isLeaving, setLeaving] = useState(false)
  // With the browser's back button the page returns as it was left.
  useEffect(() => {
    const onShow = () => setLeaving(false)
    addEventListener('pageshow', onShow)
    return () => removeEventListener('pageshow', onShow)
  }, [])
  const connect = useCallback(({ name, ...wanted }: Wanted) => {
    setLeaving(true)
    beginLink(wanted).catch((error: unknown) => {
      setLeaving(false)
      tellProblem(`${name} was not connected`, error)
    })
  }, [])
  return { isLeaving, connect }
}

/** Reads everything anew that depends on one's links. */
export function useRefreshLinks(): () => void {
  const client = useQueryClient()
  return useCallback(() => {
    void client.invalidateQueries({ queryKey: integrationsQuery.queryKey })
    void client.invalidateQueries({ queryKey: sshKeyQuery.queryKey })
    for (const key of ['forges', 'forge', 'context']) void client.invalidateQueries({ queryKey: [key] })
  }, [client])
}
