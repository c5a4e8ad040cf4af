// The first run: whoever holds the one-time link becomes the first administrator.

import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import { meQuery, setupQuery } from '@/api/session'
import { Logo } from '@/shell/logo'
import { LonePage } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { PasswordField, TextField } from '@/ui/field'
import { Notice, ProblemNotice } from '@/ui/notice'
import { text } from './sign-in'

export function SetupPage() {
  useTitle('Set up')
  const { token } = useSearch({ from: '/setup' })
  return (
    <LonePage className="max-w-105">
      <div className="mb-7 grid justify-items-center gap-4 text-center">
        <Logo className="size-12" />
        <div className="grid gap-1">
          <h1 className="text-2xl font-semibold tracking-tight">Welcome to Hearth</h1>
          <p className="text-muted">Light the fire: create the first administrator.</p>
        </div>
      </div>
      {token === undefined ? <NoToken /> : <SetupForm token={token} />}
    </LonePage>
  )
}

function NoToken() {
  return (
    <Notice kind="note" title="Open the one-time link">
      This Hearth has no administrator yet. The server printed a link when it started; it ends in{' '}
      <code className="text-sm">/setup?token=…</code>. Open that link. If it is lost, restart the server and it prints a
      new one.
    </Notice>
  )
}

function SetupForm({ token }: { token: string }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const email = text(fields, 'email').trim()
    setPending(true)
    try {
      const body = {
        token,
        name: text(fields, 'name').trim(),
        password: text(fields, 'password'),
        ...(email ? { email } : {}),
      }
      await answer(api.POST('/api/v1/setup', { body }))
      client.setQueryData(setupQuery.queryKey, { needed: false })
      await client.fetchQuery({ ...meQuery, staleTime: 0 })
      await navigate({ to: '/workspaces', replace: true })
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <form
      className="grid gap-4 rounded-xl border border-line bg-surface p-6 shadow-float"
      onSubmit={(event) => void submit(event)}
    >
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      <TextField
        label="Name"
        name="name"
        hint="What you sign in with."
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        autoFocus
      />
      <PasswordField
        label="Password"
        name="password"
        hint="At least 10 characters. A few words make a good one."
        autoComplete="new-password"
        minLength={10}
        required
      />
      <TextField
        label="E-mail (optional)"
        name="email"
        type="email"
        hint="Author of the commits you make in workspaces."
        autoComplete="email"
      />
      <Button type="submit" variant="primary" size="lg" pending={pending} className="mt-1">
        Create the administrator
      </Button>
    </form>
  )
}
