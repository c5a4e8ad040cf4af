// A team's secrets: variables of its workspaces whose values nobody reads here again.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Lock, Plus, RotateCcw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Secret } from '@/api/documents'
import { secretsQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Confirm } from '@/ui/confirm'
import { Empty } from '@/ui/empty'
import { TextArea, TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { manages } from './roles'
import type { TeamProps } from './team-page'

type Asked = { kind: 'add' } | { kind: 'replace' | 'delete'; secret: Secret }

export function SecretsSection({ team, rank }: TeamProps) {
  const client = useQueryClient()
  const query = secretsQuery(team.slug)
  const secrets = useQuery(query)
  const [asked, setAsked] = useState<Asked | null>(null)
  const mayChange = manages(rank)
  const refresh = () => void client.invalidateQueries({ queryKey: query.queryKey })
  const close = () => {
    setAsked(null)
    refresh()
  }
  const remove = async ({ name }: Secret) => {
    try {
      await answer(api.DELETE('/api/v1/teams/{team}/secrets/{name}', { params: { path: { team: team.slug, name } } }))
      tell(`${name} deleted`)
    } catch (error) {
      tellProblem(`${name} was not deleted`, error)
    }
    refresh()
  }
  return (
    <Section
      id="secrets"
      title="Secrets"
      description="Variables in every workspace of the team, from its next start on. Whoever works in one can read them there; here they can only be replaced."
      actions={
        mayChange ? (
          <Button onClick={() => setAsked({ kind: 'add' })}>
            <Plus aria-hidden className="size-4" />
            New secret
          </Button>
        ) : null
      }
    >
      {secrets.isError ? (
        <ProblemNotice
          thrown={secrets.error}
          actions={<Button onClick={() => void secrets.refetch()}>Try again</Button>}
        />
      ) : (
        <Card>
          {secrets.isPending ? <SkeletonRows rows={2} /> : null}
          {secrets.data?.items.length === 0 ? (
            <Empty icon={<Lock />} title="No secrets">
              {mayChange
                ? 'A token for a package registry, for instance, that all workspaces of the team need.'
                : 'Those who manage the team can add some.'}
            </Empty>
          ) : null}
          <ul className="divide-y divide-line">
            {secrets.data?.items.map((secret) => (
              <li key={secret.name} className="flex min-h-14 flex-wrap items-center gap-x-3.5 gap-y-1 px-5 py-2.5">
                <Lock aria-hidden className="size-4.5 shrink-0 text-muted" />
                <div className="min-w-0 flex-1">
                  <p className="font-mono text-sm font-medium break-all">{secret.name}</p>
                  <p className="text-sm text-muted">
                    Set <Moment at={secret.updated_at} />
                  </p>
                </div>
                {mayChange ? (
                  <span className="flex gap-1">
                    <Button
                      size="sm"
                      aria-label={`Replace ${secret.name}`}
                      onClick={() => setAsked({ kind: 'replace', secret })}
                    >
                      <RotateCcw aria-hidden className="size-3.5" />
                      Replace
                    </Button>
                    <Button
                      variant="ghost"
                      size="icon"
                      aria-label={`Delete ${secret.name}`}
                      onClick={() => setAsked({ kind: 'delete', secret })}
                    >
                      <Trash2 className="size-4" />
                    </Button>
                  </span>
                ) : null}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {asked?.kind === 'add' || asked?.kind === 'replace' ? (
        <SecretDialog slug={team.slug} name={asked.kind === 'replace' ? asked.secret.name : null} onClose={close} />
      ) : null}
      {asked?.kind === 'delete' ? (
        <Confirm
          title={`Delete ${asked.secret.name}?`}
          verb="Delete"
          onConfirm={() => void remove(asked.secret)}
          onClose={close}
        >
          <p className="text-muted">Workspaces that run keep it until they stop.</p>
        </Confirm>
      ) : null}
    </Section>
  )
}

/** `name` is the secret whose value is replaced; `null` for a new one. */
function SecretDialog({ slug, name, onClose }: { slug: string; name: string | null; onClose: () => void }) {
  const [typedName, setTypedName] = useState('')
  const [value, setValue] = useState('')
  const secret = name ?? typedName.trim()
  const set = async () => {
    const path = { team: slug, name: secret }
    await answer(api.PUT('/api/v1/teams/{team}/secrets/{name}', { params: { path }, body: { value } }))
    tell(`${secret} is kept`)
  }
  return (
    <FormDialog
      title={name === null ? 'New secret' : `Replace ${name}`}
      verb={name === null ? 'Keep it' : 'Replace'}
      disabled={secret === '' || value === ''}
      onSubmit={set}
      onClose={onClose}
    >
      {name === null ? (
        <TextField
          label="Name"
          hint="As programs in the workspace read it: letters, digits and underscores."
          placeholder="NPM_TOKEN"
          value={typedName}
          onChange={(event) => setTypedName(event.target.value)}
          required
          pattern="[A-Za-z_][A-Za-z0-9_]*"
          maxLength={128}
          autoComplete="off"
          spellCheck={false}
          mono
          data-autofocus=""
        />
      ) : null}
      <TextArea
        label="Value"
        hint="Kept sealed and never shown again. Lines and spaces are kept as they are."
        value={value}
        onChange={(event) => setValue(event.target.value)}
        required
        {...(name === null ? {} : { 'data-autofocus': '' })}
      />
    </FormDialog>
  )
}
