// The button that links an account, wherever one is missing. Comes back to the page it stands on.

import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { integrationsQuery } from '@/api/forges'
import { Button } from '@/ui/button'
import { useConnect } from './connect'
import { TokenDialog } from './token-dialog'

interface ConnectButtonProps {
  forge: { id: string; name: string | null }
  /** What has to be granted beyond what is granted already. */
  more?: string[]
  children?: ReactNode
}

export function ConnectButton({ forge, more, children }: ConnectButtonProps) {
  const { data } = useQuery(integrationsQuery)
  const { isLeaving, connect } = useConnect()
  const [asksToken, setAsksToken] = useState(false)
  const integration = data?.items.find((item) => item.forge === forge.id)
  const name = forge.name ?? integration?.name ?? 'the forge'

  const begin = () => {
    if (integration?.auth_method === 'personal_token') return setAsksToken(true)
    const scopes = [...new Set([...(integration?.link?.scopes ?? []), ...(more ?? [])])]
    connect({ forge: forge.id, name, ...(more?.length ? { scopes } : {}) })
  }
  return (
    <>
      <Button variant="primary" pending={isLeaving} onClick={begin}>
        {children ?? `Connect ${name}`}
      </Button>
      {asksToken && integration ? <TokenDialog integration={integration} onClose={() => setAsksToken(false)} /> : null}
    </>
  )
}
