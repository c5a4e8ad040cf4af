// Saving what changed about a forge.

import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Forge, ForgeChange } from '@/api/documents'
import { forgeQuery, integrationsQuery } from '@/api/forges'
import { changesOf, type ForgeForm, formOf } from './form'

export function useSaveForge(forge: Forge) {
  const client = useQueryClient()
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const send = async (body: ForgeChange): Promise<Forge | null> => {
    if (Object.keys(body).length === 0) return forge
    setPending(true)
    setProblem(null)
    try {
      const saved = await answer(api.PATCH('/api/v1/forges/{id}', { params: { path: { id: forge.id } }, body }))
      client.setQueryData(forgeQuery(forge.id).queryKey, saved)
      void client.invalidateQueries({ queryKey: ['forges'] })
      void client.invalidateQueries({ queryKey: integrationsQuery.queryKey })
      return saved
    } catch (error) {
      setProblem(error)
      return null
    } finally {
      setPending(false)
    }
  }
  /** The forge as it was saved, or `null` and `problem` says why. */
  const save = (form: ForgeForm) => send(changesOf(formOf(forge), form, forge.ssh?.host_keys ?? []))
  return { save, send, pending, problem }
}
