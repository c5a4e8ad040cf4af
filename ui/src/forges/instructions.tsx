// What to do at the forge: the way there, what to paste, what to tick.

import { ExternalLink } from 'lucide-react'
import type { Forge } from '@/api/documents'
import { hostOf } from '@/integrations/state'
import { Button } from '@/ui/button'
import { Chips } from '@/ui/chip'
import { CopyLine } from '@/ui/copy'
import { Notice } from '@/ui/notice'
import { Words } from '@/ui/words'
import { kindOf, stepsOf } from './kinds'

/** The name to register Hearth under. */
const APPLICATION_NAME = 'Hearth'

export function Instructions({ forge }: { forge: Forge }) {
  const kind = kindOf(forge.kind)
  const isOauth1 = forge.auth_method === 'oauth1'
  const steps = stepsOf(forge.kind, forge.auth_method)
  return (
    <div className="grid gap-5">
      <ol className="grid list-decimal gap-1.5 pl-5 marker:text-muted">
        {steps.map((step) => (
          <li key={step}>
            <Words text={step} />
          </li>
        ))}
      </ol>
      {forge.register_url ? (
        <div>
          <Button asChild>
            <a href={forge.register_url} target="_blank" rel="noreferrer">
              <ExternalLink aria-hidden className="size-4" />
              Open the registration page at {hostOf(forge.web_url)}
            </a>
          </Button>
        </div>
      ) : null}
      {isOauth1 ? (
        <>
          <ToCopy label="Consumer name" text={APPLICATION_NAME} />
          {forge.public_key ? <ToCopy label="Public key" text={forge.public_key} /> : null}
        </>
      ) : (
        <ToCopy label={kind.redirectLabel} hint="Exactly so, without a slash at the end." text={forge.redirect_uri} />
      )}
      {kind.ticksScopes && !isOauth1 && forge.scopes.length > 0 ? (
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">Tick these</p>
          <Chips label="Scopes to tick" words={forge.scopes} />
        </div>
      ) : null}
    </div>
  )
}

function ToCopy({ label, hint, text }: { label: string; hint?: string; text: string }) {
  return (
    <div className="grid gap-1.5">
      <p className="text-sm font-medium">{label}</p>
      <CopyLine text={text} label={`Copy: ${label}`} />
      {hint ? <p className="text-sm text-muted">{hint}</p> : null}
    </div>
  )
}

/** Some mistakes end on a page of the forge, from which nothing leads back. */
export function ErrorPageHelp({ forge }: { forge: Forge }) {
  const kind = kindOf(forge.kind)
  return (
    <Notice kind="note" title="The forge shows an error page instead of asking you?">
      <ul className="grid list-disc gap-1 pl-5">
        <li>The {kind.redirectLabel} differs: compare it with the one above, letter by letter.</li>
        <li>
          A scope is not ticked at the application
          {forge.scopes.length > 0 ? (
            <>
              : it needs <Words text={forge.scopes.map((scope) => `\`${scope}\``).join(', ')} />
            </>
          ) : null}
          .
        </li>
        <li>
          Your account there has an address that is not confirmed, or it is an administrator’s and the forge keeps those
          from applications that are not trusted: use another account.
        </li>
      </ul>
    </Notice>
  )
}
