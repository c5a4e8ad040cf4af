// Which permissions to ask a forge for. What is required cannot be left out.

import { useState } from 'react'
import type { Integration } from '@/api/documents'
import { Checkbox } from '@/ui/checkbox'
import { FormDialog } from '@/ui/form-dialog'
import { sentence } from '@/ui/notice'
import { beginLink } from './connect'
import { askedScopes, hostOf } from './state'

export function PermissionsDialog({ integration, onClose }: { integration: Integration; onClose: () => void }) {
  const { forge, name, web_url, known_scopes, link } = integration
  const [ticked, setTicked] = useState<ReadonlySet<string>>(() => new Set(link?.scopes))

  const toggle = (scope: string) => {
    const next = new Set(ticked)
    if (!next.delete(scope)) next.add(scope)
    setTicked(next)
  }
  // The dialog stays, pending, until the browser has left for the forge.
  const submit = async () => {
    await beginLink({ forge, scopes: askedScopes(known_scopes, ticked) })
    await new Promise<never>(() => undefined)
  }
  return (
    <FormDialog
      title={`Permissions on ${name}`}
      description={`${hostOf(web_url)} asks for your consent, then brings you back here.`}
      verb="Continue"
      onSubmit={submit}
      onClose={onClose}
    >
      <fieldset className="grid gap-1">
        <legend className="sr-only">Permissions</legend>
        {known_scopes.map(({ name: scope, purpose, required }) => (
          <Checkbox
            key={scope}
            label={
              <>
                <code className="text-sm">{scope}</code>
                {required ? <span className="ml-2 text-sm font-normal text-muted">required</span> : null}
              </>
            }
            hint={sentence(purpose)}
            checked={required || ticked.has(scope)}
            disabled={required}
            onChange={() => toggle(scope)}
          />
        ))}
      </fieldset>
    </FormDialog>
  )
}
