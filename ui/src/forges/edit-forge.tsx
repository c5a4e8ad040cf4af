// Everything about one forge: how it is, what it is set to, and its end.

import { useRouter } from '@tanstack/react-router'
import { ChevronRight, Trash2 } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import type { Forge } from '@/api/documents'
import { ConnectButton } from '@/integrations/connect-button'
import { hostOf } from '@/integrations/state'
import { Page } from '@/shell/page'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { TextField } from '@/ui/field'
import { Notice, ProblemNotice, sentence } from '@/ui/notice'
import { tell } from '@/ui/toast'
import { AdvancedFields } from './advanced-fields'
import { ApplicationFields, ScopeFields, SignInFields } from './application-fields'
import { Check } from './check'
import { DeleteForgeDialog } from './delete-dialog'
import { changesOf, type ForgeForm, formOf } from './form'
import { ErrorPageHelp, Instructions } from './instructions'
import { kindOf } from './kinds'
import { placesOf } from './places'
import { RedirectField } from './redirect-field'
import { useSaveForge } from './save'
import { forgeState } from './state'
import { BackLink } from './wizard-frame'

export function EditForge({ forge, team }: { forge: Forge; team?: string | undefined }) {
  const router = useRouter()
  const places = placesOf(team)
  const [form, setForm] = useState<ForgeForm>(() => formOf(forge))
  const [isDeleting, setDeleting] = useState(false)
  const { save, pending, problem } = useSaveForge(forge)
  const set = (change: Partial<ForgeForm>) => setForm({ ...form, ...change })
  const kind = kindOf(forge.kind)
  const isChanged = Object.keys(changesOf(formOf(forge), form)).length > 0

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const saved = await save(form)
    if (saved === null) return
    setForm(formOf(saved))
    tell(`${saved.name} saved`)
  }
  return (
    <Page
      title={forge.name}
      above={<BackLink to={places.list}>Forges</BackLink>}
      description={`${forge.kind_title} ${forge.version ?? ''} at ${hostOf(forge.web_url)}`}
      className="max-w-190"
      actions={
        forge.from_file ? null : (
          <Button onClick={() => setDeleting(true)}>
            <Trash2 aria-hidden className="size-4" />
            Delete
          </Button>
        )
      }
    >
      <div className="grid gap-10">
        <State forge={forge} />
        <form onSubmit={(event) => void submit(event)}>
          <fieldset disabled={forge.from_file} className="grid gap-10">
            <legend className="sr-only">Settings of {forge.name}</legend>
            <Part id="address" title="Address">
              <TextField
                label="Name"
                value={form.name}
                onChange={(event) => set({ name: event.target.value })}
                required
                maxLength={60}
                autoComplete="off"
              />
              <TextField
                label={kind.urlLabel}
                hint="Another address makes the forge unverified again."
                value={form.web_url}
                onChange={(event) => set({ web_url: event.target.value })}
                required
                inputMode="url"
                spellCheck={false}
                autoComplete="off"
                mono
              />
            </Part>
            <Part id="application" title="Application">
              <ApplicationFields forge={forge} form={form} set={set} />
              {form.auth_method === 'personal_token' ? null : (
                <>
                  <RedirectField form={form} set={set} />
                  <details className="group">
                    <summary className="-ml-2 inline-flex min-h-8 items-center gap-1.5 rounded-md px-2 font-medium text-muted select-none hover:text-ink">
                      <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
                      How to register it
                    </summary>
                    <div className="mt-3 grid gap-5">
                      <Instructions forge={forge} />
                      <ErrorPageHelp forge={forge} />
                    </div>
                  </details>
                </>
              )}
            </Part>
            {forge.known_scopes.length > 0 && form.auth_method !== 'personal_token' ? (
              <Part
                id="scopes"
                title="Permissions"
                description="What people are asked for when they connect. Those who are connected keep what they granted."
              >
                <ScopeFields known={forge.known_scopes} form={form} set={set} />
              </Part>
            ) : null}
            {team === undefined && form.auth_method !== 'personal_token' ? (
              <Part id="sign-in" title="Signing in">
                <SignInFields form={form} set={set} />
              </Part>
            ) : null}
            <Part id="advanced" title="Advanced">
              <AdvancedFields kind={kind} team={team} form={form} set={set} />
            </Part>
            {problem === null ? null : <ProblemNotice thrown={problem} />}
            <div className="flex items-center gap-4">
              <Button type="submit" variant="primary" size="lg" pending={pending} disabled={!isChanged}>
                Save
              </Button>
              {isChanged ? <span className="text-sm text-muted">Not saved yet.</span> : null}
            </div>
          </fieldset>
        </form>
      </div>
      {isDeleting ? (
        <DeleteForgeDialog
          forge={forge}
          onClose={() => setDeleting(false)}
          onDeleted={() => router.history.push(places.list)}
        />
      ) : null}
    </Page>
  )
}

function State({ forge }: { forge: Forge }) {
  const { word, tone } = forgeState(forge.state)
  return (
    <Section
      id="state"
      title={
        <span className="flex items-center gap-3">
          State <Badge tone={tone}>{word}</Badge>
        </span>
      }
    >
      <div className="grid gap-4">
        {forge.from_file ? (
          <Notice kind="note" title="It stands in the configuration file">
            Change it there and restart the server. Here it can be looked at and tested.
          </Notice>
        ) : null}
        {forge.fault ? (
          <Notice kind="bad" title={sentence(forge.fault)}>
            Connections of {forge.links === 1 ? 'one person' : `${forge.links} people`} wait for this to be mended; they
            are not lost.
          </Notice>
        ) : null}
        {forge.lacks.length > 0 ? (
          <Notice kind="warn" title={`${forge.kind_title} ${forge.version ?? ''} lacks something`}>
            {sentence(forge.lacks.join(', '))}
          </Notice>
        ) : null}
        {forge.state === 'pending' ? (
          <Notice kind="note" title="Nobody has connected an account with these settings yet">
            <div className="mt-2 grid justify-items-start gap-2">
              <p>Until somebody has, only you and administrators see it.</p>
              <ConnectButton forge={{ id: forge.id, name: forge.name }}>Connect your account to verify</ConnectButton>
            </div>
          </Notice>
        ) : null}
        <Check forge={forge} isBegun={false} />
      </div>
    </Section>
  )
}

interface PartProps {
  id: string
  title: string
  description?: string
  children: ReactNode
}

function Part({ children, ...section }: PartProps) {
  return (
    <Section {...section}>
      <Card className="grid gap-5 p-5">{children}</Card>
    </Section>
  )
}
