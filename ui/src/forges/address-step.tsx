// The first step: what runs there, and where.

import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import { forgeQuery } from '@/api/forges'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { TextField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { AdvancedFold } from './advanced-fields'
import { creationOf, EMPTY_FORM, type ForgeForm } from './form'
import { KINDS, kindOf } from './kinds'
import { placesOf } from './places'
import { WizardFrame } from './wizard-frame'

export function NewForgePage({ team }: { team?: string }) {
  useTitle('Register a forge')
  const client = useQueryClient()
  const router = useRouter()
  const places = placesOf(team)
  const [name, setName] = useState('gitlab')
  const [form, setForm] = useState<ForgeForm>(EMPTY_FORM)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const kind = kindOf(name)
  const set = (change: Partial<ForgeForm>) => setForm({ ...form, ...change })

  const choose = (next: string) => {
    setName(next)
    // Another product has other ways to link, and one that only signs in is for signing in.
    set({ auth_method: kindOf(next).methods[0] ?? 'oauth2', sign_in: next === 'open_id' && team === undefined })
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      const forge = await answer(api.POST('/api/v1/forges', { body: creationOf(name, form, team) }))
      client.setQueryData(forgeQuery(forge.id).queryKey, forge)
      void client.invalidateQueries({ queryKey: ['forges'] })
      router.history.push(places.forge(forge.id, 'application'))
    } catch (error) {
      setProblem(error)
      setPending(false)
    }
  }
  return (
    <WizardFrame step={0} list={places.list}>
      <form className="grid gap-5" onSubmit={(event) => void submit(event)}>
        <Card className="grid gap-5 p-5">
          <fieldset className="grid gap-2">
            <legend className="mb-1.5 text-sm font-medium">What runs there</legend>
            <div className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
              {KINDS.map((item) => (
                <label
                  key={item.kind}
                  className={cn(
                    'flex items-start gap-3 rounded-md border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent',
                    item.kind === name ? 'border-accent bg-accent-soft/50' : 'border-line hover:border-line-strong/60',
                  )}
                >
                  <input
                    type="radio"
                    name="kind"
                    className="mt-1 accent-accent outline-none"
                    checked={item.kind === name}
                    onChange={() => choose(item.kind)}
                  />
                  <span className="min-w-0">
                    <span className="font-medium">{item.title}</span>
                    <span className="block text-sm text-muted">{item.about}</span>
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
          <TextField
            label={kind.urlLabel}
            hint={
              kind.home === null
                ? 'As browsers reach it, with the path if it has one.'
                : `As browsers reach it, with the path if it has one. Empty for ${kind.home.replace('https://', '')}.`
            }
            placeholder={kind.home ?? kind.urlExample}
            value={form.web_url}
            onChange={(event) => set({ web_url: event.target.value })}
            required={kind.home === null}
            inputMode="url"
            spellCheck={false}
            autoComplete="off"
            mono
          />
          <TextField
            label="Name"
            hint="What people see. Empty for the host."
            value={form.name}
            onChange={(event) => set({ name: event.target.value })}
            maxLength={60}
            autoComplete="off"
          />
        </Card>
        <AdvancedFold kind={kind} team={team} form={form} set={set} />
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <div>
          <Button type="submit" variant="primary" size="lg" pending={pending}>
            Continue
            <ChevronRight aria-hidden className="-mr-1 size-4" />
          </Button>
        </div>
      </form>
    </WizardFrame>
  )
}
