// One forge in the list of integrations.

import { Ellipsis, ExternalLink, KeyRound, ListChecks, Plug, RotateCcw, Unplug } from 'lucide-react'
import { useState } from 'react'
import type { Integration, SshUpload } from '@/api/documents'
import { KindIcon } from '@/forges/kind-icon'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Chips } from '@/ui/chip'
import { cn } from '@/ui/class-names'
import { Menu, MenuContent, MenuItem, MenuLink, MenuSeparator, MenuTrigger } from '@/ui/menu'
import { sentence } from '@/ui/notice'
import { Words } from '@/ui/words'
import { useConnect } from './connect'
import { DisconnectDialog } from './disconnect-dialog'
import { PermissionsDialog } from './permissions-dialog'
import { hostOf, integrationState, uploadState } from './state'
import { TokenDialog } from './token-dialog'

type Asked = 'permissions' | 'token' | 'disconnect'

export function IntegrationRow({ integration }: { integration: Integration }) {
  const { forge, name, web_url, auth_method, link } = integration
  const [asked, setAsked] = useState<Asked | null>(null)
  const { isLeaving, connect } = useConnect()
  const { word, tone } = integrationState(integration)
  const byToken = auth_method === 'personal_token'
  const begin = () => (byToken ? setAsked('token') : connect({ forge, name }))
  const needsSignIn = link?.state === 'sign_in_needed'
  const asksToConnect = link == null || needsSignIn
  const close = () => setAsked(null)
  return (
    <li className="flex flex-wrap items-start gap-x-3.5 gap-y-2.5 px-5 py-4 sm:flex-nowrap">
      <KindIcon kind={integration.kind} className="mt-0.5 size-5 shrink-0 text-muted" />
      <div className="grid min-w-0 flex-1 grid-cols-[minmax(0,1fr)] gap-1.5">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <p className="font-medium">{name}</p>
          <Badge tone={tone}>{word}</Badge>
        </div>
        <p className="text-sm break-words text-muted">
          {hostOf(web_url)}
          {link ? (
            <>
              {' · '}
              <span className="text-ink">{link.login}</span>
              {link.method === 'personal_token' ? ' by access token' : ''}
              {link.signs_in ? ' · signs you in' : ''}
            </>
          ) : null}
        </p>
        {link ? <Chips label={`Granted by ${name}`} words={link.scopes} /> : null}
        {needsSignIn && link.why ? (
          <p className="text-sm text-busy">
            <Words text={sentence(link.why)} />
          </p>
        ) : null}
        {integration.state === 'faulty' ? (
          <p className="text-sm text-bad">
            {name} refuses Hearth itself at the moment. An administrator has to mend its registration.
          </p>
        ) : null}
        {link ? <KeyState upload={link.ssh_key} /> : null}
      </div>
      <div className={cn('flex shrink-0 items-center gap-1', asksToConnect && 'max-sm:w-full max-sm:pl-8')}>
        {asksToConnect ? (
          <Button
            variant={integration.state === 'faulty' ? 'secondary' : 'primary'}
            pending={isLeaving}
            aria-label={`${needsSignIn ? 'Sign in again to' : 'Connect'} ${name}`}
            onClick={begin}
          >
            {needsSignIn ? 'Sign in again' : 'Connect'}
          </Button>
        ) : null}
        <RowMenu integration={integration} onConnect={begin} onAsk={setAsked} />
      </div>
      {asked === 'permissions' ? <PermissionsDialog integration={integration} onClose={close} /> : null}
      {asked === 'token' ? <TokenDialog integration={integration} onClose={close} /> : null}
      {asked === 'disconnect' && link ? (
        <DisconnectDialog integration={integration} link={link} onClose={close} />
      ) : null}
    </li>
  )
}

function KeyState({ upload }: { upload: SshUpload }) {
  const meaning = uploadState(upload.state)
  if (meaning === null) return null
  const isBad = upload.state === 'failed'
  return (
    <p className="text-sm text-muted">
      SSH key: <span className={isBad ? 'font-medium text-bad' : 'text-ink'}>{meaning.word.toLowerCase()}</span>
      {upload.why ? (
        <>
          {'. '}
          <Words text={sentence(upload.why)} />
        </>
      ) : null}
      {upload.mend ? (
        <>
          {' '}
          <Words text={sentence(upload.mend)} />
        </>
      ) : null}
    </p>
  )
}

interface RowMenuProps {
  integration: Integration
  onConnect: () => void
  onAsk: (what: Asked) => void
}

function RowMenu({ integration, onConnect, onAsk }: RowMenuProps) {
  const { name, web_url, auth_method, manage_url, link, known_scopes, kind } = integration
  const byToken = auth_method === 'personal_token'
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={`More for ${name}`}>
          <Ellipsis className="size-4" />
        </Button>
      </MenuTrigger>
      <MenuContent>
        {link ? null : (
          <MenuItem onSelect={onConnect}>
            <Plug />
            Connect
          </MenuItem>
        )}
        {link && !byToken && known_scopes.length > 0 ? (
          <MenuItem onSelect={() => onAsk('permissions')}>
            <ListChecks />
            Edit permissions
          </MenuItem>
        ) : null}
        {byToken || kind === 'open_id' ? null : (
          <MenuItem onSelect={() => onAsk('token')}>
            <KeyRound />
            Use a personal access token
          </MenuItem>
        )}
        {byToken && link ? (
          <MenuItem onSelect={() => onAsk('token')}>
            <RotateCcw />
            Replace the token
          </MenuItem>
        ) : null}
        {manage_url ? (
          <MenuLink href={manage_url}>
            <ExternalLink />
            Manage on {hostOf(web_url)}
          </MenuLink>
        ) : null}
        {link ? (
          <>
            <MenuSeparator />
            <MenuItem danger onSelect={() => onAsk('disconnect')}>
              <Unplug />
              Disconnect
            </MenuItem>
          </>
        ) : null}
      </MenuContent>
    </Menu>
  )
}
