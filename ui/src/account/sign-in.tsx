// Signing in, and on to the page that was wanted.

import { useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import { meQuery } from '@/api/session'
import { repositoryName } from '@/repository/address'
import { safeDestination } from '@/shell/destination'
import { Logo } from '@/shell/logo'
import { LonePage } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { PasswordField, TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'

export function SignInPage() {
  useTitle('Sign in')
  const { next } = useSearch({ from: '/sign-in' })
  const client = useQueryClient()
  const router = useRouter()
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const destination = safeDestination(next)

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
      router.history.push(destination)
    } catch (error) {
      setProblem(error)
      setPending(false)
      form.querySelector<HTMLInputElement>('[name=password]')?.focus()
    }
  }
  return (
    <LonePage>
      <div className="mb-7 grid justify-items-center gap-4 text-center">
        <Logo className="size-12" />
        <div className="grid gap-1">
          <h1 className="text-2xl font-semibold tracking-tight">Sign in to Hearth</h1>
          <Purpose destination={destination} />
        </div>
      </div>
      <form
        className="grid gap-4 rounded-xl border border-line bg-surface p-6 shadow-float"
        onSubmit={(event) => void submit(event)}
      >
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <TextField
          label="Name"
          name="name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          autoFocus
        />
        <PasswordField label="Password" name="password" autoComplete="current-password" required />
        <Button type="submit" variant="primary" size="lg" pending={pending} className="mt-1">
          Sign in
        </Button>
      </form>
      <p className="mt-5 text-center text-sm text-muted">No account? An administrator of this Hearth can make one.</p>
    </LonePage>
  )
}

/** Why the person has to sign in: what waits behind it. */
function Purpose({ destination }: { destination: string }) {
  const url = new URL(destination, location.origin)
  const repository = url.pathname === '/new' ? url.searchParams.get('url') : null
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
