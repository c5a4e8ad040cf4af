// What the forge gave out for Hearth, and what Hearth asks people's consent for.

import { useId } from 'react'
import type { Forge, ForgeScope } from '@/api/documents'
import { Checkbox } from '@/ui/checkbox'
import { Field, INPUT, TextField } from '@/ui/field'
import { cn } from '@/ui/class-names'
import { sentence } from '@/ui/notice'
import { type FieldsProps, SecretField } from './advanced-fields'
import { domainsOf } from './form'
import { kindOf } from './kinds'

export function ApplicationFields({ forge, form, set }: FieldsProps & { forge: Forge }) {
  const kind = kindOf(forge.kind)
  if (form.auth_method === 'personal_token') {
    return <p className="text-muted">People paste a personal access token of theirs. Nothing has to be registered.</p>
  }
  const isOauth1 = form.auth_method === 'oauth1'
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <TextField
        label={isOauth1 ? 'Consumer key' : kind.idLabel}
        hint={isOauth1 ? 'Any word; the same on both sides.' : null}
        value={form.client_id}
        onChange={(event) => set({ client_id: event.target.value })}
        spellCheck={false}
        autoComplete="off"
        required
        mono
      />
      {isOauth1 ? null : (
        <SecretField label={kind.secretLabel} isKept={forge.has_client_secret} form={form} set={set} />
      )}
    </div>
  )
}

/** Which scopes people are asked for when they link an account. */
export function ScopeFields({ known, form, set }: FieldsProps & { known: ForgeScope[] }) {
  const toggle = (name: string) => {
    const wanted = form.scopes.includes(name)
      ? form.scopes.filter((scope) => scope !== name)
      : known.map((scope) => scope.name).filter((scope) => scope === name || form.scopes.includes(scope))
    // What these pages do not know stays asked for.
    const others = form.scopes.filter((scope) => !known.some((item) => item.name === scope))
    set({ scopes: [...new Set([...wanted, ...others])] })
  }
  return (
    <fieldset className="grid gap-1">
      <legend className="sr-only">Permissions</legend>
      {known.map(({ name, purpose, required }) => (
        <Checkbox
          key={name}
          label={
            <>
              <code className="text-sm">{name}</code>
              {required ? <span className="ml-2 text-sm font-normal text-muted">required</span> : null}
            </>
          }
          hint={sentence(purpose)}
          checked={required || form.scopes.includes(name)}
          disabled={required}
          onChange={() => toggle(name)}
        />
      ))}
    </fieldset>
  )
}

const SIGN_UPS = [
  { value: 'closed', label: 'Nobody new', hint: 'Administrators make accounts; people link them in their settings.' },
  { value: 'domains', label: 'People of certain domains', hint: 'With a verified address at one of them.' },
  { value: 'open', label: 'Everybody it lets in', hint: 'For a forge of your own organisation.' },
]

/** Who may sign in with it. Only for the platform's forges. */
export function SignInFields({ form, set }: FieldsProps) {
  const name = useId()
  const domains = domainsOf(form.sign_up_domains)
  return (
    <div className="grid gap-3">
      <Checkbox
        className="-mx-2"
        label="People may sign in to Hearth with it"
        hint="By the account they have linked."
        checked={form.sign_in}
        onChange={(event) => set({ sign_in: event.target.checked })}
      />
      {form.sign_in ? (
        <fieldset className="grid gap-1 border-l-2 border-line pl-4">
          <legend className="mb-1 text-sm font-medium">Who gets an account by signing in for the first time</legend>
          {SIGN_UPS.map(({ value, label, hint }) => (
            <label key={value} className="flex items-start gap-3 rounded-md px-2 py-1.5 hover:bg-ink/4">
              <input
                type="radio"
                name={name}
                className="mt-1 accent-accent"
                checked={form.sign_up === value}
                onChange={() => set({ sign_up: value })}
              />
              <span>
                <span className="font-medium">{label}</span>
                <span className="block text-sm text-muted">{hint}</span>
              </span>
            </label>
          ))}
          {form.sign_up === 'domains' ? (
            <Field
              label="Domains"
              hint={domains.length > 0 ? domains.map((domain) => `@${domain}`).join('  ') : 'Separated by commas.'}
              className="mt-2 pl-2"
            >
              {(wiring) => (
                <input
                  {...wiring}
                  className={cn(INPUT, 'h-9 font-mono text-sm')}
                  placeholder="example.com, example.org"
                  value={form.sign_up_domains}
                  onChange={(event) => set({ sign_up_domains: event.target.value })}
                  spellCheck={false}
                  autoComplete="off"
                  required
                />
              )}
            </Field>
          ) : null}
        </fieldset>
      ) : null}
    </div>
  )
}
