// The second step: register Hearth at the forge, and bring back what it gave out.

import { useRouter } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { Forge } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { ProblemNotice } from '@/ui/notice'
import { ApplicationFields, SignInFields } from './application-fields'
import { type ForgeForm, formOf } from './form'
import { ErrorPageHelp, Instructions } from './instructions'
import { placesOf } from './places'
import { useSaveForge } from './save'
import { WizardFrame } from './wizard-frame'

function titleOf(method: string): string {
  if (method === 'personal_token') return 'Nothing to register'
  return method === 'oauth1' ? 'The same on this side' : 'What it gave you'
}

export function ApplicationStep({ forge, team }: { forge: Forge; team?: string | undefined }) {
  const router = useRouter()
  const places = placesOf(team)
  const [form, setForm] = useState<ForgeForm>(() => formOf(forge))
  const { save, pending, problem } = useSaveForge(forge)
  const set = (change: Partial<ForgeForm>) => setForm({ ...form, ...change })
  const next = places.forge(forge.id, 'check')
  const byToken = forge.auth_method === 'personal_token'

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (await save(form)) router.history.push(next)
  }
  return (
    <WizardFrame
      step={1}
      list={places.list}
      places={[places.forge(forge.id), null, forge.client_id === '' && !byToken ? null : next]}
    >
      <form className="grid gap-5" onSubmit={(event) => void submit(event)}>
        {byToken ? null : (
          <Card className="grid gap-5 p-5">
            <h2 className="text-lg font-semibold tracking-tight">At {forge.name}</h2>
            <Instructions forge={forge} />
          </Card>
        )}
        <Card className="grid gap-5 p-5">
          <h2 className="text-lg font-semibold tracking-tight">{titleOf(forge.auth_method)}</h2>
          <ApplicationFields forge={forge} form={form} set={set} />
          {team === undefined && !byToken ? (
            <div className="border-t border-line pt-5">
              <SignInFields form={form} set={set} />
            </div>
          ) : null}
        </Card>
        {byToken ? null : <ErrorPageHelp forge={forge} />}
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <div>
          <Button type="submit" variant="primary" size="lg" pending={pending}>
            {byToken ? 'Continue' : 'Save and test'}
            <ChevronRight aria-hidden className="-mr-1 size-4" />
          </Button>
        </div>
      </form>
    </WizardFrame>
  )
}
