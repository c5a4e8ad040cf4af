// The keys that seal every secret, and their replacement.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, RefreshCw } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { answer, api } from '@/api/client'
import type { Keys } from '@/api/documents'
import { keysQuery } from '@/api/teams'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { ProblemNotice, sentence } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import { Words } from '@/ui/words'

type Level = 'platform' | 'data'

export function KeysSection() {
  const keys = useQuery(keysQuery)
  const [asked, setAsked] = useState<Level | null>(null)
  return (
    <Section
      id="keys"
      title="Keys"
      description="Secrets are sealed by data keys, one or more for each person and team; the platform key wraps those. Nothing is lost or interrupted when they are replaced."
    >
      {keys.isError ? (
        <ProblemNotice thrown={keys.error} actions={<Button onClick={() => void keys.refetch()}>Try again</Button>} />
      ) : null}
      {keys.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {keys.data ? <KeyCards keys={keys.data} onRotate={setAsked} /> : null}
      {asked === null ? null : <RotateDialog level={asked} onClose={() => setAsked(null)} />}
    </Section>
  )
}

function KeyCards({ keys, onRotate }: { keys: Keys; onRotate: (level: Level) => void }) {
  const { rotation, problem } = keys
  const isBusy = rotation != null
  return (
    <div className="grid gap-4">
      <Card className="flex items-start gap-3.5 p-5">
        <span aria-hidden className="*:size-6">
          {problem ? <CircleAlert className="text-bad" /> : <CircleCheck className="text-ok" />}
        </span>
        <div className="min-w-0">
          <p className="text-lg font-semibold tracking-tight">
            {problem ? 'Secrets cannot be opened at the moment' : 'Secrets can be sealed and opened'}
          </p>
          <p className="text-muted">
            {problem ? (
              <Words text={sentence(problem)} />
            ) : (
              `${keys.secrets} ${keys.secrets === 1 ? 'secret is' : 'secrets are'} sealed.`
            )}
          </p>
        </div>
      </Card>
      {rotation ? <Progress rotation={rotation} /> : null}
      <div className="grid gap-4 md:grid-cols-2">
        <KeyCard
          title="Platform key"
          facts={[
            ['Kept', keys.platform_key === 'file' ? 'in a file of the server' : 'in Vault, transit engine'],
            ['Version', <code key="version">{keys.platform_key_version}</code>],
            ['Data keys under an older version', keys.wrapped_by_older],
          ]}
          disabled={isBusy || problem != null}
          onRotate={() => onRotate('platform')}
        />
        <KeyCard
          title="Data keys"
          facts={[
            ['In use', keys.data_keys - keys.retired],
            ['Retired, only to open with', keys.retired],
            ['Secrets under a retired key', keys.sealed_by_retired],
          ]}
          disabled={isBusy || problem != null}
          onRotate={() => onRotate('data')}
        />
      </div>
    </div>
  )
}

interface KeyCardProps {
  title: string
  facts: [string, ReactNode][]
  disabled: boolean
  onRotate: () => void
}

function KeyCard({ title, facts, disabled, onRotate }: KeyCardProps) {
  return (
    <Card className="grid content-start gap-4 p-5">
      <header className="flex items-center justify-between gap-3">
        <h3 className="font-semibold">{title}</h3>
        <Button size="sm" disabled={disabled} aria-label={`Replace: ${title.toLowerCase()}`} onClick={onRotate}>
          <RefreshCw aria-hidden className="size-3.5" />
          Replace
        </Button>
      </header>
      <dl className="grid gap-2">
        {facts.map(([name, value]) => (
          <div key={name} className="flex items-baseline justify-between gap-4">
            <dt className="text-muted">{name}</dt>
            <dd className="font-medium tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

function Progress({ rotation }: { rotation: NonNullable<Keys['rotation']> }) {
  const { level, started_at, done, total } = rotation
  const title = level === 'platform' ? 'Wrapping data keys anew' : 'Sealing secrets anew'
  return (
    <Card className="grid gap-2.5 p-5">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p role="status" className="font-medium">
          {title}
        </p>
        <p className="text-sm text-muted tabular-nums">
          {done} of {total} · since <Moment at={started_at} />
        </p>
      </div>
      <progress
        aria-label={title}
        value={done}
        max={Math.max(1, total)}
        className="h-2 w-full overflow-hidden rounded-full bg-ink/8 accent-accent [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-ink/8 [&::-webkit-progress-value]:bg-accent"
      />
    </Card>
  )
}

const WORDS: Record<Level, { title: string; text: string }> = {
  platform: {
    title: 'Replace the platform key?',
    text: 'A new platform key wraps all data keys. Keep a copy of it as you do of the present one: without it no secret can be opened again.',
  },
  data: {
    title: 'Replace the data keys?',
    text: 'Everybody and every team gets a new data key, and every secret is sealed with it in the background. Retired keys are deleted when nothing needs them any more.',
  },
}

function RotateDialog({ level, onClose }: { level: Level; onClose: () => void }) {
  const client = useQueryClient()
  const rotate = async () => {
    const keys = await answer(api.POST('/api/v1/admin/keys/rotate', { body: { level } }))
    client.setQueryData(keysQuery.queryKey, keys)
    tell('Replacing keys')
    void client.invalidateQueries({ queryKey: keysQuery.queryKey })
  }
  return (
    <FormDialog title={WORDS[level].title} verb="Replace" onSubmit={rotate} onClose={onClose}>
      <p className="text-muted">{WORDS[level].text}</p>
    </FormDialog>
  )
}
