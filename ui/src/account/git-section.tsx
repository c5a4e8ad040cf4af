// How Git behaves in one's workspaces: author, signatures, dotfiles.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { GitPreferences } from '@/api/documents'
import { gitPreferencesQuery } from '@/api/forges'
import { meQuery } from '@/api/session'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Checkbox } from '@/ui/checkbox'
import { TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'

export function GitSection() {
  const preferences = useQuery(gitPreferencesQuery)
  return (
    <Section id="git" title="Git" description="For every workspace of yours, from its next start on.">
      {preferences.isError ? (
        <ProblemNotice
          thrown={preferences.error}
          actions={<Button onClick={() => void preferences.refetch()}>Try again</Button>}
        />
      ) : (
        <Card>
          {preferences.isPending ? <SkeletonRows rows={4} /> : null}
          {preferences.data ? <GitForm preferences={preferences.data} /> : null}
        </Card>
      )}
    </Section>
  )
}

function GitForm({ preferences }: { preferences: GitPreferences }) {
  const client = useQueryClient()
  const { data: me } = useQuery(meQuery)
  const [form, setForm] = useState({
    author_name: preferences.author_name ?? '',
    author_email: preferences.author_email ?? '',
    dotfiles: preferences.dotfiles ?? '',
    sign_commits: preferences.sign_commits,
  })
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const field = (name: 'author_name' | 'author_email' | 'dotfiles') => ({
    value: form[name],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }),
  })

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      // An empty text takes away, so all of them are sent.
      const body = {
        author_name: form.author_name.trim(),
        author_email: form.author_email.trim(),
        dotfiles: form.dotfiles.trim(),
        sign_commits: form.sign_commits,
      }
      client.setQueryData(gitPreferencesQuery.queryKey, await answer(api.PATCH('/api/v1/me/git', { body })))
      tell('Saved')
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
  }
  return (
    <form className="grid gap-5 p-5" onSubmit={(event) => void submit(event)}>
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      <fieldset className="grid gap-4 sm:grid-cols-2">
        <legend className="sr-only">Author of commits</legend>
        <TextField
          label="Author name"
          hint="Empty for your account’s name."
          placeholder={me?.display_name ?? me?.name}
          autoComplete="name"
          {...field('author_name')}
        />
        <TextField
          label="Author e-mail"
          hint="Empty for your account’s address."
          placeholder={me?.email ?? ''}
          type="email"
          autoComplete="email"
          {...field('author_email')}
        />
      </fieldset>
      <Checkbox
        className="-mx-2"
        label="Sign commits with the SSH key"
        hint={
          <>
            Providers show them as verified once they know{' '}
            <Link
              to="/settings/$section"
              params={{ section: 'ssh-key' }}
              className="text-accent-text underline underline-offset-2"
            >
              your key
            </Link>
            .
          </>
        }
        checked={form.sign_commits}
        onChange={(event) => setForm({ ...form, sign_commits: event.target.checked })}
      />
      <TextField
        label="Dotfiles"
        hint="A repository that is cloned into every new workspace. Its install script is run, else its dotfiles are linked into the home directory. If that fails, the workspace starts all the same and says so."
        placeholder="https://gitlab.com/ada/dotfiles"
        inputMode="url"
        spellCheck={false}
        autoComplete="off"
        mono
        {...field('dotfiles')}
      />
      <div>
        <Button type="submit" pending={pending}>
          Save
        </Button>
      </div>
    </form>
  )
}
