// What few forges need: other addresses for this server, certificates, a proxy, SSH.

import { ChevronRight } from 'lucide-react'
import { Card } from '@/ui/card'
import { PasswordField, SelectField, TextArea, TextField } from '@/ui/field'
import type { ForgeForm } from './form'
import { type Kind, METHOD_NAMES } from './kinds'

export type SetForm = (change: Partial<ForgeForm>) => void

export interface FieldsProps {
  form: ForgeForm
  set: SetForm
}

/** A team's forge has no proxy: it would go round what the server may reach. */
type Whose = { kind: Kind; team: string | undefined }

/** Folded away, for the first step. */
export function AdvancedFold({ kind, team, ...fields }: FieldsProps & Whose) {
  return (
    <details className="group">
      <summary className="-ml-2 inline-flex min-h-8 items-center gap-1.5 rounded-md px-2 font-medium text-muted select-none hover:text-ink">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        {team === undefined
          ? 'Advanced: other addresses, certificates, proxy, SSH'
          : 'Advanced: other addresses, certificates, SSH'}
      </summary>
      <Card className="mt-3 p-5">
        <AdvancedFields kind={kind} team={team} {...fields} />
      </Card>
    </details>
  )
}

export function AdvancedFields({ form, set, kind, team }: FieldsProps & Whose) {
  const text = (name: 'api_url' | 'git_url' | 'ssh_host' | 'ssh_port' | 'ssh_user' | 'proxy') => ({
    value: form[name],
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
    spellCheck: false,
    autoComplete: 'off',
    mono: true,
  })
  const hasRepositories = kind.kind !== 'open_id'
  return (
    <div className="grid gap-5">
      {kind.methods.length > 1 ? (
        <SelectField
          label="How people link their accounts"
          value={form.auth_method}
          onChange={(event) => set({ auth_method: event.target.value })}
        >
          {kind.methods.map((method) => (
            <option key={method} value={method}>
              {METHOD_NAMES[method]}
            </option>
          ))}
        </SelectField>
      ) : null}
      {hasRepositories ? (
        <>
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField
              label="API address for this server"
              hint="If browsers and this server reach it differently."
              placeholder="the same"
              {...text('api_url')}
            />
            <TextField
              label="Git address over HTTPS"
              hint="If Git is served somewhere else."
              placeholder="the same"
              {...text('git_url')}
            />
          </div>
          <fieldset className="grid gap-4 sm:grid-cols-[1fr_6rem_8rem]">
            <legend className="sr-only">Git over SSH</legend>
            <TextField
              label="SSH host"
              hint="Its keys are shown by the check."
              placeholder="the same"
              {...text('ssh_host')}
            />
            <TextField label="SSH port" placeholder="22" inputMode="numeric" {...text('ssh_port')} />
            <TextField label="SSH user" placeholder="git" {...text('ssh_user')} />
          </fieldset>
        </>
      ) : null}
      {team === undefined ? (
        <TextField
          label="Proxy"
          hint="Only for requests to this forge."
          placeholder="http://proxy.example.com:3128"
          {...text('proxy')}
        />
      ) : null}
      <TextArea
        label="Certificate authority"
        hint="PEM. In addition to the public ones, for a forge with certificates of your own authority."
        placeholder="-----BEGIN CERTIFICATE-----"
        value={form.ca_pem}
        onChange={(event) => set({ ca_pem: event.target.value })}
      />
      <TextArea
        label="Client certificate"
        hint="PEM. If the forge wants this server to show one."
        placeholder="-----BEGIN CERTIFICATE-----"
        value={form.client_certificate}
        onChange={(event) => set({ client_certificate: event.target.value })}
      />
      {form.client_certificate.trim() === '' ? null : (
        <ClientKeyField value={form.client_key} onChange={(client_key) => set({ client_key })} />
      )}
    </div>
  )
}

/** A private key has many lines, which a password field would lose; it is written only, and never comes back. */
function ClientKeyField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <TextArea
      label="Private key of the client certificate"
      hint="PEM. Kept sealed and never shown again; empty to keep the present one."
      placeholder="-----BEGIN PRIVATE KEY-----"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

export function SecretField({ label, isKept, form, set }: FieldsProps & { label: string; isKept: boolean }) {
  return (
    <PasswordField
      label={label}
      hint={isKept ? 'Kept sealed. Type a new one to replace it.' : 'Kept sealed and never shown again.'}
      placeholder={isKept ? '••••••••••••' : ''}
      value={form.client_secret}
      onChange={(event) => set({ client_secret: event.target.value })}
      autoComplete="off"
      spellCheck={false}
    />
  )
}
