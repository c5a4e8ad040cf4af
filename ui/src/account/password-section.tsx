// Changing one's password.

import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { PasswordField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { tell } from '@/ui/toast'
import { text } from './sign-in'

export function PasswordSection() {
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    setPending(true)
    setProblem(null)
    try {
      const body = { old: text(fields, 'old'), new: text(fields, 'new') }
      await answer(api.PUT('/api/v1/me/password', { body }))
      form.reset()
      tell('Password changed')
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
  }
  return (
    <Section id="password" title="Password">
      <Card>
        <form className="grid gap-4 p-5" onSubmit={(event) => void submit(event)}>
          {problem === null ? null : <ProblemNotice thrown={problem} />}
          <div className="grid gap-4 sm:grid-cols-2">
            <PasswordField label="Present password" name="old" autoComplete="current-password" required />
            <PasswordField
              label="New password"
              name="new"
              hint="At least 10 characters."
              autoComplete="new-password"
              minLength={10}
              required
            />
          </div>
          <div>
            <Button type="submit" pending={pending}>
              Change the password
            </Button>
          </div>
        </form>
      </Card>
    </Section>
  )
}
