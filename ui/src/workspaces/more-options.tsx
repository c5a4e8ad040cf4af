// What few people change: name, file system, limits.

import { useQuery } from '@tanstack/react-query'
import { ChevronRight } from 'lucide-react'
import { useId } from 'react'
import { answer, api } from '@/api/client'
import { meQuery } from '@/api/session'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { TextField } from '@/ui/field'
import { DEFAULT_LIMITS, type Options } from './limits'

interface MoreOptionsProps {
  options: Options
  onChange: (options: Options) => void
  /** The file system is given, by a snapshot. */
  fixedFiles: boolean
}

export function MoreOptions({ options, onChange, fixedFiles }: MoreOptionsProps) {
  const set = (change: Partial<Options>) => onChange({ ...options, ...change })
  const change = (name: keyof Options) => (event: React.ChangeEvent<HTMLInputElement>) =>
    set({ [name]: event.target.value })
  return (
    <details className="group">
      <summary className="-ml-2 inline-flex min-h-8 items-center gap-1.5 rounded-md px-2 font-medium text-muted select-none hover:text-ink">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        More: name{fixedFiles ? '' : ', environment'}, limits
      </summary>
      <Card className="mt-3 grid gap-5 p-5">
        <TextField
          label="Name"
          hint="Empty for one after the repository. Lower-case letters, digits and hyphens."
          value={options.name}
          onChange={change('name')}
          maxLength={40}
          spellCheck={false}
          autoComplete="off"
          mono
        />
        {fixedFiles ? null : <EnvironmentChoice options={options} set={set} />}
        <div className="grid gap-4 sm:grid-cols-3">
          <TextField
            label="Processor cores"
            type="number"
            min="0.05"
            step="0.05"
            placeholder={String(DEFAULT_LIMITS.cores)}
            value={options.cores}
            onChange={change('cores')}
          />
          <TextField
            label="Memory in GB"
            type="number"
            min="0.05"
            step="any"
            placeholder={String(DEFAULT_LIMITS.memoryGb)}
            value={options.memoryGb}
            onChange={change('memoryGb')}
          />
          <TextField
            label="Processes"
            type="number"
            min="16"
            step="1"
            placeholder={String(DEFAULT_LIMITS.processes)}
            value={options.processes}
            onChange={change('processes')}
          />
        </div>
      </Card>
    </details>
  )
}

function EnvironmentChoice({ options, set }: { options: Options; set: (change: Partial<Options>) => void }) {
  const { data: me } = useQuery(meQuery)
  // Only administrators may list images; everybody may name one.
  const images = useQuery({
    queryKey: ['images'],
    queryFn: () => answer(api.GET('/api/v1/images')),
    enabled: me?.role === 'admin',
  })
  const list = useId()
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">Environment</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        <EnvironmentCard
          title="This machine"
          hint="Its tools, read-only. Nothing to fetch: starts at once."
          checked={options.environment === 'host'}
          onChoose={() => set({ environment: 'host' })}
        />
        <EnvironmentCard
          title="An image"
          hint="Any container image, fetched if it is not here yet."
          checked={options.environment === 'image'}
          onChoose={() => set({ environment: 'image' })}
        />
      </div>
      {options.environment === 'image' ? (
        <>
          <TextField
            label="Image"
            frame="mt-2"
            placeholder="docker.io/library/debian:stable"
            list={list}
            required
            value={options.image}
            onChange={(event) => set({ image: event.target.value })}
            spellCheck={false}
            autoComplete="off"
            mono
          />
          <datalist id={list}>
            {images.data?.items.flatMap(({ names }) => names.map((name) => <option key={name} value={name} />))}
          </datalist>
        </>
      ) : null}
    </fieldset>
  )
}

interface EnvironmentCardProps {
  title: string
  hint: string
  checked: boolean
  onChoose: () => void
}

function EnvironmentCard({ title, hint, checked, onChoose }: EnvironmentCardProps) {
  return (
    <label
      className={cn(
        'flex items-start gap-3 rounded-md border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent',
        checked ? 'border-accent bg-accent-soft/50' : 'border-line hover:border-line-strong/60',
      )}
    >
      <input
        type="radio"
        name="environment"
        className="mt-1 accent-accent outline-none"
        checked={checked}
        onChange={onChoose}
      />
      <span>
        <span className="font-medium">{title}</span>
        <span className="block text-sm text-muted">{hint}</span>
      </span>
    </label>
  )
}
