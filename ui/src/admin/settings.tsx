// What an administrator decides for everybody.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ALGORITHMS, algorithmName } from '@/account/ssh-algorithm'
import { answer, api } from '@/api/client'
import type { PlatformSettings } from '@/api/documents'
import { signInOptionsQuery } from '@/api/forges'
import { platformSettingsQuery, teamsQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Choice } from '@/ui/choice'
import { SelectField } from '@/ui/field'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'

export function SettingsSection() {
  const settings = useQuery(platformSettingsQuery)
  return (
    <Section id="settings" title="Settings" description="What counts for everybody on this Hearth.">
      {settings.isError ? (
        <ProblemNotice
          thrown={settings.error}
          actions={<Button onClick={() => void settings.refetch()}>Try again</Button>}
        />
      ) : (
        <Card className="max-w-3xl">
          {settings.isPending ? <SkeletonRows rows={4} /> : null}
          {settings.data ? <SettingsForm settings={settings.data} /> : null}
        </Card>
      )}
    </Section>
  )
}

function SettingsForm({ settings }: { settings: PlatformSettings }) {
  const client = useQueryClient()
  const [form, setForm] = useState(settings)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const { data: teams } = useQuery(teamsQuery)
  const set = (change: Partial<PlatformSettings>) => setForm({ ...form, ...change })
  const isChanged = JSON.stringify(form) !== JSON.stringify(settings)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      const saved = await answer(api.PUT('/api/v1/admin/settings', { body: form }))
      client.setQueryData(platformSettingsQuery.queryKey, saved)
      void client.invalidateQueries({ queryKey: signInOptionsQuery.queryKey })
      setForm(saved)
      tell('Saved')
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <div className="divide-y divide-line">
        <Choice
          label="Sign in with a password"
          hint="Off: only with forges and identity providers. The local socket works always."
          value={form.password_sign_in ? 'on' : 'off'}
          onChoose={(value) => set({ password_sign_in: value === 'on' })}
          choices={[
            { value: 'on', label: 'On' },
            { value: 'off', label: 'Off' },
          ]}
        />
        <Choice
          label="Who makes teams"
          value={form.make_teams}
          onChoose={(make_teams) => set({ make_teams })}
          choices={[
            { value: 'admins', label: 'Administrators' },
            { value: 'everybody', label: 'Everybody' },
          ]}
        />
        <div className="grid gap-4 px-5 py-4 sm:grid-cols-2">
          <SelectField
            label="New SSH keys"
            hint="Present keys stay until their owners regenerate them."
            value={form.ssh_algorithm}
            onChange={(event) => set({ ssh_algorithm: event.target.value })}
          >
            {ALGORITHMS.map((algorithm) => (
              <option key={algorithm} value={algorithm}>
                {algorithmName(algorithm)}
              </option>
            ))}
          </SelectField>
          <SelectField
            label="Default team"
            hint="Where workspaces of new people go."
            value={form.default_team}
            onChange={(event) => set({ default_team: event.target.value })}
          >
            {(teams?.items ?? [{ slug: form.default_team, name: form.default_team }]).map(({ slug, name }) => (
              <option key={slug} value={slug}>
                {name}
              </option>
            ))}
          </SelectField>
        </div>
      </div>
      {problem === null ? null : <ProblemNotice thrown={problem} className="mx-5 mb-4" />}
      <div className="flex items-center gap-4 border-t border-line px-5 py-4">
        <Button type="submit" variant="primary" pending={pending} disabled={!isChanged}>
          Save
        </Button>
        {isChanged ? <span className="text-sm text-muted">Not saved yet.</span> : null}
      </div>
    </form>
  )
}
