// The keys that the registry of kites signs with, and their replacement.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronRight, RefreshCw } from 'lucide-react'
import { useId, useState } from 'react'
import { answer, api } from '@/api/client'
import type { RegistryKey } from '@/api/documents'
import { registryKeysQuery } from '@/api/kites'
import { count } from '@/kites/words'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { CopyButton } from '@/ui/copy'
import { TextField } from '@/ui/field'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { Notice, ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell } from '@/ui/toast'

export function RegistryKeysSection() {
  const keys = useQuery(registryKeysQuery)
  const [isRotating, setRotating] = useState(false)
  return (
    <Section
      id="registry-keys"
      title="Registry keys"
      description="The registry signs kite keys and tokens with one. Retired ones only verify what they once signed, and go when nothing of it can be good any more."
      actions={
        <Button disabled={keys.data === undefined} onClick={() => setRotating(true)}>
          <RefreshCw aria-hidden className="size-4" />
          Replace the key
        </Button>
      }
    >
      {keys.isError ? (
        <ProblemNotice thrown={keys.error} actions={<Button onClick={() => void keys.refetch()}>Try again</Button>} />
      ) : (
        <Card>
          {keys.isPending ? <SkeletonRows rows={2} /> : null}
          {keys.data?.items.length === 0 ? (
            <p className="px-5 py-10 text-center text-muted">
              There is no key yet. The registry makes its first one as it starts.
            </p>
          ) : null}
          <ul className="divide-y divide-line">
            {keys.data?.items.map((key) => (
              <KeyRow key={key.id} registryKey={key} />
            ))}
          </ul>
        </Card>
      )}
      {isRotating ? <RotateDialog keys={keys.data?.items ?? []} onClose={() => setRotating(false)} /> : null}
    </Section>
  )
}

function KeyRow({ registryKey }: { registryKey: RegistryKey }) {
  const { id, public_key, created_at, retired_at, kite_keys } = registryKey
  return (
    <li className="grid grid-cols-[minmax(0,1fr)] gap-2 px-5 py-3.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={retired_at == null ? 'running' : 'stopped'}>{retired_at == null ? 'Signs' : 'Retired'}</Badge>
        <code className="min-w-0 font-medium break-all">{id}</code>
        <CopyButton text={id} label={`Copy the id ${id}`} />
      </div>
      <p className="text-sm text-muted">
        Made <Moment at={created_at} />
        {retired_at == null ? null : (
          <>
            {' '}
            · retired <Moment at={retired_at} />
          </>
        )}{' '}
        · {keysOf(kite_keys)} signed with it {kite_keys === 1 ? 'is' : 'are'} good now
      </p>
      <details className="group">
        <summary className="flex min-h-6 w-fit list-none items-center gap-1 rounded-sm text-sm text-muted hover:text-ink [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden className="size-3.5 transition-transform group-open:rotate-90" />
          Public key
        </summary>
        <div className="mt-1.5 flex items-start gap-1 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
          <pre tabIndex={0} aria-label={`Public key ${id}`} className="min-w-0 flex-1 overflow-x-auto py-0.5 text-xs">
            {public_key.trim()}
          </pre>
          <CopyButton text={public_key} label={`Copy the public key ${id}`} />
        </div>
      </details>
    </li>
  )
}

function keysOf(number: number): string {
  return number === 1 ? '1 kite key' : `${count(number)} kite keys`
}

/** To be typed where everything is cut off. */
const WORD = 'cut off'

type Way = 'gently' | 'hard'

function RotateDialog({ keys, onClose }: { keys: RegistryKey[]; onClose: () => void }) {
  const client = useQueryClient()
  const [way, setWay] = useState<Way>('gently')
  const [typed, setTyped] = useState('')
  const kiteKeys = keys.reduce((sum, key) => sum + key.kite_keys, 0)
  const isHard = way === 'hard'
  const rotate = async () => {
    const body = { revoke_older: isHard }
    client.setQueryData(registryKeysQuery.queryKey, await answer(api.POST('/api/v1/admin/registry-keys', { body })))
    tell(isHard ? 'The key is replaced, older ones are void' : 'The key is replaced')
  }
  return (
    <FormDialog
      title="Replace the registry’s key?"
      verb={isHard ? 'Replace and cut off' : 'Replace'}
      danger={isHard}
      disabled={isHard && typed.trim() !== WORD}
      onSubmit={rotate}
      onClose={onClose}
    >
      <fieldset className="grid gap-2">
        <legend className="sr-only">How</legend>
        <WayOption value="gently" title="Gently" way={way} onChoose={setWay}>
          The new key signs from now on. What older keys signed stays good until it ends, and each kite is given its
          next kite key when it registers. Nothing is interrupted.
        </WayOption>
        <WayOption value="hard" title="Somebody else has it" way={way} onChoose={setWay}>
          Everything that older keys signed is void at once: every kite key and every token.
        </WayOption>
      </fieldset>
      {isHard ? (
        <>
          <Notice kind="warn" title={kiteKeys === 0 ? 'No kite key is in use.' : `${keysOf(kiteKeys)} will be void.`}>
            Every service is cut off within a second, and needs a new kite key by hand. Agents of workspaces stay.
          </Notice>
          <TextField
            label={
              <>
                Type <span className="font-mono font-semibold">{WORD}</span> to go on
              </>
            }
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            spellCheck={false}
            mono
          />
        </>
      ) : null}
    </FormDialog>
  )
}

interface WayOptionProps {
  value: Way
  title: string
  way: Way
  onChoose: (way: Way) => void
  children: string
}

function WayOption({ value, title, way, onChoose, children }: WayOptionProps) {
  const id = useId()
  return (
    <label
      className={cn(
        'flex items-start gap-3 rounded-md border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent',
        value === way ? 'border-accent bg-accent-soft/50' : 'border-line hover:border-line-strong/60',
      )}
    >
      <input
        type="radio"
        name="way"
        aria-label={title}
        aria-describedby={id}
        className="mt-1 accent-accent outline-none"
        checked={value === way}
        onChange={() => onChoose(value)}
        data-autofocus={value === 'gently' ? '' : undefined}
      />
      <span className="min-w-0">
        <span className="font-medium">{title}</span>
        <span id={id} className="block text-sm text-muted">
          {children}
        </span>
      </span>
    </label>
  )
}
