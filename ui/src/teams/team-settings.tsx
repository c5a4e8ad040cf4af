// A team's name, what its workspaces get when nobody says otherwise, and its end.

import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { answer, api } from '@/api/client'
import type { Team } from '@/api/documents'
import { teamQuery, teamsQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { CopyButton } from '@/ui/copy'
import { TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { ProblemNotice } from '@/ui/notice'
import { tell } from '@/ui/toast'
import { DEFAULT_LIMITS, limitsOf, optionsOf } from '@/workspaces/limits'
import type { TeamProps } from './team-page'

export function TeamSettingsSection({ team, rank }: TeamProps) {
  const [isDeleting, setDeleting] = useState(false)
  return (
    <div className="grid max-w-3xl gap-10">
      <Section id="team-settings" title="Settings">
        <SettingsForm key={team.id} team={team} />
      </Section>
      {rank === 'owner' && !team.everybody ? (
        <Section id="end" title="Delete the team" description="Only when it has no workspaces any more.">
          <Button variant="danger" onClick={() => setDeleting(true)}>
            Delete {team.name}
          </Button>
        </Section>
      ) : null}
      {isDeleting ? <DeleteDialog team={team} onClose={() => setDeleting(false)} /> : null}
    </div>
  )
}

function SettingsForm({ team }: { team: Team }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [form, setForm] = useState(() => formOf(team))
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }),
  })

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      const body = {
        name: form.name.trim(),
        ...(form.slug.trim() === team.slug ? {} : { slug: form.slug.trim() }),
        rootfs: form.rootfs.trim(),
        limits: limitsOf(form).limits ?? {},
      }
      const saved = await answer(api.PATCH('/api/v1/teams/{team}', { params: { path: { team: team.slug } }, body }))
      client.setQueryData(teamQuery(saved.slug).queryKey, saved)
      void client.invalidateQueries({ queryKey: teamsQuery.queryKey })
      tell('Saved')
      if (saved.slug !== team.slug) {
        const params = { team: saved.slug, section: 'settings' }
        await navigate({ to: '/t/$team/$section', params, replace: true })
      }
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
  }
  return (
    <Card>
      <form className="grid gap-5 p-5" onSubmit={(event) => void submit(event)}>
        {problem === null ? null : <ProblemNotice thrown={problem} />}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Name" required maxLength={60} autoComplete="off" {...field('name')} />
          <TextField
            label="Address"
            hint={form.slug === team.slug ? 'Part of the team’s addresses.' : 'The old address stops working.'}
            required
            maxLength={40}
            pattern="[a-z0-9]+(-[a-z0-9]+)*"
            autoComplete="off"
            spellCheck={false}
            mono
            {...field('slug')}
          />
        </div>
        <p className="flex flex-wrap items-center gap-1 text-sm text-muted">
          People find it at <code className="break-all text-ink">{team.url}</code>
          <CopyButton text={team.url} label="Copy the team’s address" />
        </p>
        <fieldset className="grid gap-4 border-t border-line pt-5">
          <legend className="sr-only">What new workspaces get</legend>
          <p aria-hidden className="font-medium">
            What new workspaces get when nobody says otherwise
          </p>
          <TextField
            label="Environment"
            hint="An image, or host for this machine’s own tools. Empty for the server’s default."
            placeholder="server’s default"
            spellCheck={false}
            autoComplete="off"
            mono
            {...field('rootfs')}
          />
          <div className="grid gap-4 sm:grid-cols-3">
            <TextField
              label="Processor cores"
              type="number"
              min="0.05"
              step="0.05"
              placeholder={String(DEFAULT_LIMITS.cores)}
              {...field('cores')}
            />
            <TextField
              label="Memory in GB"
              type="number"
              min="0.05"
              step="any"
              placeholder={String(DEFAULT_LIMITS.memoryGb)}
              {...field('memoryGb')}
            />
            <TextField
              label="Processes"
              type="number"
              min="16"
              step="1"
              placeholder={String(DEFAULT_LIMITS.processes)}
              {...field('processes')}
            />
          </div>
        </fieldset>
        <div>
          <Button type="submit" variant="primary" pending={pending}>
            Save
          </Button>
        </div>
      </form>
    </Card>
  )
}

function formOf(team: Team) {
  return { name: team.name, slug: team.slug, rootfs: team.rootfs ?? '', ...optionsOf(team.limits ?? null) }
}

function DeleteDialog({ team, onClose }: { team: Team; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const remove = async () => {
    await answer(api.DELETE('/api/v1/teams/{team}', { params: { path: { team: team.slug } } }))
    tell(`${team.name} deleted`)
    await client.invalidateQueries({ queryKey: teamsQuery.queryKey })
    await navigate({ to: '/teams' })
  }
  return (
    <FormDialog
      title={`Delete ${team.name}?`}
      verb="Delete for ever"
      danger
      disabled={typed.trim() !== team.slug}
      onSubmit={remove}
      onClose={onClose}
    >
      <p className="text-muted">
        Its forges, the connections to them and its secrets are deleted with it. Nobody can read the secrets again.
      </p>
      <TextField
        label={
          <>
            Type <span className="font-mono font-semibold">{team.slug}</span> to go on
          </>
        }
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        mono
        data-autofocus=""
      />
    </FormDialog>
  )
}
