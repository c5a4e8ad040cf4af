// Linking with a personal access token, for forges without OAuth, or where one may not be used.

import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Integration } from '@/api/documents'
import { Chips } from '@/ui/chip'
import { PasswordField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { tell } from '@/ui/toast'
import { useRefreshLinks } from './connect'
import { hostOf } from './state'

export function TokenDialog({ integration, onClose }: { integration: Integration; onClose: () => void }) {
  const { forge, name, web_url, known_scopes, link } = integration
  const [token, setToken] = useState('')
  const refresh = useRefreshLinks()

  const submit = async () => {
    const begun = await answer(api.POST('/api/v1/me/links', { body: { forge, token: token.trim() } }))
    tell('linked' in begun ? `${name} connected as ${begun.linked.login}` : `${name} connected`)
    refresh()
  }
  return (
    <FormDialog
      title={`Access token for ${name}`}
      description={
        link
          ? 'It replaces the present connection. Hearth checks the token and keeps it sealed.'
          : 'Hearth checks the token and keeps it sealed. It ends when you disconnect, or at the forge.'
      }
      verb="Connect"
      disabled={token.trim() === ''}
      onSubmit={submit}
      onClose={onClose}
    >
      <PasswordField
        label="Personal access token"
        hint={`Made in your settings at ${hostOf(web_url)}.`}
        value={token}
        onChange={(event) => setToken(event.target.value)}
        required
        autoComplete="off"
        spellCheck={false}
        data-autofocus=""
      />
      {known_scopes.length > 0 ? (
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">Permissions it should have</p>
          <Chips label="Permissions it should have" words={known_scopes.map((scope) => scope.name)} />
        </div>
      ) : null}
    </FormDialog>
  )
}
