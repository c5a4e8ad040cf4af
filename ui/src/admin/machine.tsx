// What the machine gives and lacks: `hearth doctor` as a page.

import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, RefreshCw, TriangleAlert } from 'lucide-react'
import { answer, api } from '@/api/client'
import type { Support } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { CopyButton } from '@/ui/copy'
import { ProblemNotice, sentence } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { Words } from '@/ui/words'

export function MachineSection() {
  const doctor = useQuery({ queryKey: ['doctor'], queryFn: () => answer(api.GET('/api/v1/doctor')) })
  const version = useQuery({ queryKey: ['version'], queryFn: () => answer(api.GET('/api/v1/version')) })
  return (
    <Section
      id="machine"
      title="Machine"
      description={
        version.data ? `Hearth ${version.data.version}` : 'What this machine gives workspaces, and what it lacks.'
      }
      actions={
        <Button onClick={() => void doctor.refetch()} pending={doctor.isFetching}>
          {doctor.isFetching ? null : <RefreshCw aria-hidden className="size-4" />}
          Check again
        </Button>
      }
    >
      {doctor.isError ? <ProblemNotice thrown={doctor.error} /> : null}
      {doctor.isPending ? (
        <Card className="grid gap-3 p-5">
          <Skeleton className="w-64" />
          <Skeleton className="w-96" />
        </Card>
      ) : null}
      {doctor.data ? <Health support={doctor.data} /> : null}
    </Section>
  )
}

function Health({ support }: { support: Support }) {
  const { usable, lacks } = support
  const looks = !usable
    ? { icon: <CircleAlert className="text-bad" />, words: 'Workspaces cannot run here' }
    : lacks.length > 0
      ? { icon: <TriangleAlert className="text-busy" />, words: 'Works, with something missing' }
      : { icon: <CircleCheck className="text-ok" />, words: 'Everything is here' }
  return (
    <Card className="overflow-hidden">
      <div className="flex items-start gap-3.5 p-5">
        <span aria-hidden className="*:size-6">
          {looks.icon}
        </span>
        <div>
          <p className="text-lg font-semibold tracking-tight">{looks.words}</p>
          <p className="text-muted">
            <Words text={sentence(support.summary)} />
          </p>
        </div>
      </div>
      {lacks.length > 0 ? (
        <ul className="border-t border-line">
          {lacks.map((lack) => (
            <li
              key={lack.what}
              className="grid grid-cols-[1.5rem_minmax(0,1fr)_auto] gap-x-3 border-t border-line px-5 py-4 first:border-t-0"
            >
              <span className="mt-px *:size-4.5">
                {lack.fatal ? (
                  <CircleAlert role="img" aria-label="Fatal" className="text-bad" />
                ) : (
                  <TriangleAlert role="img" aria-label="Missing" className="text-busy" />
                )}
              </span>
              <div className="grid gap-1">
                <p className={cn('font-medium', lack.fatal && 'text-bad')}>
                  <Words text={sentence(lack.what)} />
                </p>
                <p className="text-muted">
                  <span className="font-medium text-ink">Mend: </span>
                  <Words text={lack.mend} />
                </p>
              </div>
              <CopyButton text={lack.mend} label="Copy the mend" />
            </li>
          ))}
        </ul>
      ) : null}
    </Card>
  )
}
