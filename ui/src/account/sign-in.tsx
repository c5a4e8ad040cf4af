// Signing in, and on to the page that was wanted.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import { signInOptionsQuery } from '@/api/forges'
import { meQuery } from '@/api/session'
import { readOutcome, readOutcomeOf } from '@/integrations/outcome'
import { repositoryName } from '@/repository/address'
import { safeDestination } from '@/shell/destination'
import { Logo } from '@/shell/logo'
import { LonePage } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { PasswordField, TextField } from '@/ui/field'
import { Notice, ProblemNotice, sentence } from '@/ui/notice'
import { SignInForges } from './sign-in-forges'
import { TeamDoor } from './team-door'

export function SignInPage() {
  useTitle('Sign in')
  const { next, return_to } = useSearch({ from: '/sign-in' })
  const { data: options } = useQuery(signInOptionsQuery)
  // A round trip that failed comes back here, or to the page that was wanted, which leads here.
  const [wanted] = useState(() => readOutcomeOf(next ?? return_to ?? ''))
  const [failed] = useState(() => readOutcome(location.search).outcome ?? wanted.outcome)
  const destination = safeDestination(wanted.path === '' ? undefined : wanted.path)
  const forges = options?.team ? [] : (options?.forges ?? [])
  // Where the options cannot be read, the password is what there has always been.
  const takesPassword = !options?.team && (options?.password ?? true)
  return (
    <LonePage>
      <div className="mb-7 grid justify-items-center gap-4 text-center">
        <Logo className="size-12" />
        <div className="grid gap-1">
          <h1 className="text-2xl font-semibold tracking-tight">Sign in to Hearth</h1>
          <Purpose destination={destination} />
        </div>
      </div>
      <div className="grid gap-5 rounded-xl border border-line bg-surface p-6 shadow-float">
        {failed?.kind === 'failed' ? (
          <Notice kind="bad" role="alert" title="You were not signed in">
            {[failed.detail, failed.mend]
              .filter((line) => line !== '')
              .map((line) => (
                <p key={line}>{sentence(line)}</p>
              ))}
          </Notice>
        ) : null}
        {options?.team ? <TeamDoor destination={destination} /> : null}
        {forges.length > 0 ? <SignInForges forges={forges} destination={destination} /> : null}
        {forges.length > 0 && takesPassword ? <Or /> : null}
        {takesPassword ? <PasswordForm destination={destination} isOnly={forges.length === 0} /> : null}
        {forges.length === 0 && !takesPassword && !options?.team ? (
          <Notice kind="warn" title="Nobody can sign in here at the moment">
            Passwords are switched off and no forge is set up for it. On the server’s own machine an administrator can
            change this with <code className="text-sm">hearth admin settings</code>.
          </Notice>
        ) : null}
      </div>
      <p className="mt-5 text-center text-sm text-muted">No account? An administrator of this Hearth can make one.</p>
    </LonePage>
  )
}

function Or() {
  return (
    <div aria-hidden className="flex items-center gap-3 text-sm text-muted">
      <span className="h-px flex-1 bg-line" />
      or
      <span className="h-px flex-1 bg-line" />
    </div>
  )
}

function PasswordForm({ destination, isOnly }: { destination: string; isOnly: boolean }) {
  const client = useQueryClient()
  const router = useRouter()
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    setPending(true)
    try {
      await answer(
        api.POST('/api/v1/session', { body: { name: text(fields, 'name'), password: text(fields, 'password') } }),
      )
      await client.fetchQuery({ ...meQuery, staleTime: 0 })
      // Some pages on the way are the server's own.
      if (destination.startsWith('/auth/')) location.assign(destination)
      else router.history.push(destination)
    } catch (error) {
      setProblem(error)
      setPending(false)
      form.querySelector<HTMLInputElement>('[name=password]')?.focus()
    }
  }
  return (
    <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      <TextField
        label="Name"
        name="name"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        autoFocus={isOnly}
      />
      <PasswordField label="Password" name="password" autoComplete="current-password" required />
      <Button type="submit" variant={isOnly ? 'primary' : 'secondary'} size="lg" pending={pending} className="mt-1">
        Sign in
      </Button>
    </form>
  )
}

/** Why the person has to sign in: what waits behind it. */
function Purpose({ destination }: { destination: string }) {
  const url = new URL(destination, location.origin)
  const repository = url.pathname === '/new' ? url.searchParams.get('url') : null
  if (url.pathname === '/invite') return <p className="text-muted">to join the team that invited you</p>
  if (repository === null) return <p className="text-muted">Your workspaces are waiting.</p>
  return (
    <p className="text-muted">
      to open <span className="font-medium text-ink">{repositoryName(repository)}</span>
    </p>
  )
}

export function text(fields: FormData, name: string): string {
  const value = fields.get(name)
  return typeof value === 'string' ? value : ''
}
