// What a workspace uses of what it may, now and in the last minutes.

import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { bytes } from '@/amount/bytes'
import { answer, api } from '@/api/client'
import type { Usage, Workspace } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { coresBetween, type Reading } from './rate'

const EVERY_MS = 2000
const FIRST_MS = 500
/** Three minutes of readings. */
const MOST_SAMPLES = 90
/** The trend is drawn as if there were at least this many, one minute's. */
const FEWEST_SAMPLES = 30

interface Sample {
  reading: Reading
  cores: number | null
  usage: Usage
}

export function UsagePanel({ workspace }: { workspace: Workspace }) {
  const samples = useRef<Sample[]>([])
  const { id } = workspace
  const query = useQuery({
    queryKey: ['usage', id],
    // Processor use is known from the second reading on.
    refetchInterval: ({ state }) => (state.data === undefined || state.data.length < 2 ? FIRST_MS : EVERY_MS),
    staleTime: 0,
    gcTime: 0,
    queryFn: async (): Promise<Sample[]> => {
      const usage = await answer(api.GET('/api/v1/workspaces/{id}/usage', { params: { path: { id } } }))
      const reading = { cpuMicros: usage.cpu_micros, at: performance.now() }
      const cores = coresBetween(samples.current.at(-1)?.reading, reading)
      samples.current = [...samples.current, { reading, cores, usage }].slice(-MOST_SAMPLES)
      return samples.current
    },
  })
  const latest = query.data?.at(-1)
  if (query.isError && latest === undefined) {
    return (
      <ProblemNotice thrown={query.error} actions={<Button onClick={() => void query.refetch()}>Try again</Button>} />
    )
  }
  if (latest === undefined) {
    return (
      <div role="status" aria-label="Loading" className="grid gap-3 sm:grid-cols-2">
        {[0, 1, 2, 3].map((index) => (
          <Skeleton key={index} className="h-36 w-full rounded-lg" />
        ))}
      </div>
    )
  }
  const { usage, cores } = latest
  const limits = usage.limits
  const all = query.data ?? []
  const disk = usage.disk_total_bytes - usage.disk_free_bytes
  return (
    <div className="grid gap-4">
      <div className="grid gap-3 sm:grid-cols-2">
        <Gauge
          title="Processor"
          value={cores === null ? '…' : `${cores.toFixed(2)} cores`}
          limit={`of ${limits.cpu_millis / 1000}`}
          share={(cores ?? 0) / (limits.cpu_millis / 1000)}
          history={all.flatMap((sample) => (sample.cores === null ? [] : [sample.cores / (limits.cpu_millis / 1000)]))}
        />
        <Gauge
          title="Memory"
          value={bytes(usage.memory_bytes)}
          limit={`of ${bytes(limits.memory_bytes)}`}
          share={usage.memory_bytes / limits.memory_bytes}
          history={all.map((sample) => sample.usage.memory_bytes / limits.memory_bytes)}
        />
        <Gauge
          title="Processes"
          value={String(usage.pids)}
          limit={`of ${limits.pids}`}
          share={usage.pids / limits.pids}
          history={all.map((sample) => sample.usage.pids / limits.pids)}
        />
        <Gauge
          title="Disk of the machine"
          value={bytes(disk)}
          limit={`of ${bytes(usage.disk_total_bytes)}, ${bytes(usage.disk_free_bytes)} free`}
          share={usage.disk_total_bytes > 0 ? disk / usage.disk_total_bytes : 0}
          history={null}
        />
      </div>
      <p className="text-sm text-muted">
        Read every {EVERY_MS / 1000} s. Last activity <Moment at={usage.last_activity_at} />.
        {query.isError ? ' The last reading did not succeed; these are older.' : ''}
      </p>
    </div>
  )
}

interface GaugeProps {
  title: string
  value: string
  limit: string
  /** 0…1 of the limit. */
  share: number
  history: number[] | null
}

function Gauge({ title, value, limit, share, history }: GaugeProps) {
  const part = Math.min(1, Math.max(0, share))
  const colour = part > 0.9 ? 'bg-bad' : part > 0.75 ? 'bg-busy' : 'bg-accent'
  return (
    <Card className="grid content-start gap-3 overflow-hidden p-4">
      <div>
        <h3 className="text-sm text-muted">{title}</h3>
        <p className="mt-0.5 text-xl font-semibold tracking-tight tabular-nums">
          {value} <span className="text-base font-normal tracking-normal text-muted">{limit}</span>
        </p>
      </div>
      {history === null ? null : <Trend values={history} />}
      <div
        role="meter"
        aria-label={title}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
        aria-valuetext={`${value} ${limit}`}
        className="h-1.5 overflow-hidden rounded-full bg-ink/8"
      >
        <div
          className={cn('h-full rounded-full transition-[width] duration-500', colour)}
          style={{ width: `${Math.max(part * 100, 0.5)}%` }}
        />
      </div>
    </Card>
  )
}

const WIDTH = 300
const HEIGHT = 44

/** The last minutes as an area. Scaled to what occurs, but never so far that idle looks busy. */
function Trend({ values }: { values: number[] }) {
  const top = Math.max(0.05, ...values) * 1.1
  const step = WIDTH / Math.max(FEWEST_SAMPLES, values.length - 1)
  const start = WIDTH - (values.length - 1) * step
  const points = values.map(
    (value, index) => `${(start + index * step).toFixed(1)} ${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`,
  )
  const line = `M${points.join('L')}`
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden className="h-11 w-full">
      {values.length > 1 ? (
        <>
          <path d={`${line}L${WIDTH} ${HEIGHT}L${start.toFixed(1)} ${HEIGHT}Z`} className="fill-accent/12" />
          <path d={line} fill="none" vectorEffect="non-scaling-stroke" className="stroke-accent [stroke-width:1.5]" />
        </>
      ) : null}
      <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} vectorEffect="non-scaling-stroke" className="stroke-line" />
    </svg>
  )
}
