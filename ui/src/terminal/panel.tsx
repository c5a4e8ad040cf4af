// All terminals of a workspace: a strip to choose from, the chosen one below, its state at the bottom.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, SquareTerminal, X } from 'lucide-react'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Terminal, Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Confirm } from '@/ui/confirm'
import { Empty } from '@/ui/empty'
import { ProblemNotice } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { Tooltip } from '@/ui/tooltip'
import type { TerminalState } from './connection'
import { labels } from './labels'
import { Screen } from './screen'
import { useTerminals } from './terminals'

export function TerminalsPanel({ workspace, active }: { workspace: Workspace; active: boolean }) {
  const { terminal: wanted } = useSearch({ from: '/signed-in/w/$id' })
  const navigate = useNavigate({ from: '/w/$id' })
  const { query, refresh, open, end } = useTerminals(workspace.id)
  const terminals = query.data
  const [opening, setOpening] = useState(false)
  const [ending, setEnding] = useState<Terminal | null>(null)
  const [visited, setVisited] = useState<ReadonlySet<number>>(new Set())
  const [states, setStates] = useState<Record<number, TerminalState>>({})
  const [sizes, setSizes] = useState<Record<number, string>>({})
  const strip = useRef<HTMLDivElement>(null)
  const [isOpened, setIsOpened] = useState(false)

  const chosen = terminals?.find(({ id }) => String(id) === wanted) ?? terminals?.at(-1)
  const choose = (id: number) =>
    void navigate({ search: (before) => ({ ...before, terminal: String(id) }), replace: true })
  const openOne = async () => {
    setIsOpened(true)
    setOpening(true)
    const terminal = await open()
    setOpening(false)
    if (terminal !== null) choose(terminal.id)
  }

  // Whoever comes to a workspace wants to type: the first terminal opens by itself, once.
  const isFirstWanted = active && !isOpened && terminals?.length === 0
  const openFirst = useEffectEvent(() => void openOne())
  useEffect(() => {
    // oxlint-disable-next-line react/set-state-in-effect -- it opens something in the workspace, and shows that it does
    if (isFirstWanted) openFirst()
  }, [isFirstWanted])
  if (chosen !== undefined && active && !visited.has(chosen.id)) setVisited(new Set([...visited, chosen.id]))

  const note = (id: number, state: TerminalState) => {
    setStates((before) => ({ ...before, [id]: state }))
    // Whether it still is there, only the list knows.
    if (state.kind === 'exited' || state.kind === 'gone' || (state.kind === 'reconnecting' && state.attempt > 1))
      void refresh()
  }
  const names = labels(terminals ?? [])

  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-surface">
      <div className="flex h-10 shrink-0 items-center border-b border-line bg-sunken pr-1.5">
        <div ref={strip} role="tablist" aria-label="Terminals" className="flex h-full min-w-0 overflow-x-auto">
          {terminals?.map((terminal) => (
            <TerminalTab
              key={terminal.id}
              name={names.get(terminal.id) ?? terminal.title}
              terminal={terminal}
              chosen={terminal.id === chosen?.id}
              onChoose={() => choose(terminal.id)}
              onStep={(step) => {
                const at = terminals.indexOf(terminal)
                const next = terminals[(at + step + terminals.length) % terminals.length]
                if (next) choose(next.id)
              }}
            />
          ))}
        </div>
        <NewButton pending={opening} onOpen={() => void openOne()} />
        {chosen ? (
          <Button
            variant="ghost"
            size="sm"
            className="ml-auto"
            onClick={() => (chosen.exit_code == null ? setEnding(chosen) : void end(chosen.id))}
          >
            <X aria-hidden className="size-3.5" />
            {chosen.exit_code == null ? 'End' : 'Remove'}
            <span className="sr-only"> {names.get(chosen.id)}</span>
          </Button>
        ) : null}
      </div>
      <div className="relative min-h-0 flex-1">
        {query.isError ? (
          <ProblemNotice
            thrown={query.error}
            className="m-4"
            actions={<Button onClick={() => void query.refetch()}>Try again</Button>}
          />
        ) : null}
        {query.isPending ? <Skeleton className="m-4 w-48" /> : null}
        {terminals?.length === 0 && !opening && isOpened ? (
          <Empty
            icon={<SquareTerminal />}
            title="No terminal is open"
            actions={
              <Button variant="primary" onClick={() => void openOne()}>
                Open a terminal
              </Button>
            }
          >
            Terminals live on when you close this page, until their shell ends.
          </Empty>
        ) : null}
        {terminals
          ?.filter(({ id }) => visited.has(id))
          .map((terminal) => (
            <div
              key={terminal.id}
              role="tabpanel"
              id={`terminal-${terminal.id}`}
              aria-label={`Terminal ${names.get(terminal.id) ?? ''}`}
            >
              <Screen
                workspace={workspace.id}
                terminal={terminal}
                label={`Terminal ${names.get(terminal.id) ?? ''}. Control Shift Period leaves it.`}
                active={active && terminal.id === chosen?.id}
                onState={(state) => note(terminal.id, state)}
                onSize={(size) => setSizes((before) => ({ ...before, [terminal.id]: size }))}
                onLeave={() => strip.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus()}
              />
            </div>
          ))}
      </div>
      {chosen ? (
        <StatusLine state={states[chosen.id]} size={sizes[chosen.id]} exitCode={chosen.exit_code ?? null} />
      ) : null}
      {ending ? (
        <Confirm
          title={`End ${names.get(ending.id) ?? ending.title}?`}
          verb="End it"
          onConfirm={() => void end(ending.id)}
          onClose={() => setEnding(null)}
        >
          <p className="text-muted">What runs in it ends too. To keep it running, just leave: it will still be here.</p>
        </Confirm>
      ) : null}
    </div>
  )
}

interface TerminalTabProps {
  name: string
  terminal: Terminal
  chosen: boolean
  onChoose: () => void
  onStep: (step: 1 | -1) => void
}

function TerminalTab({ name, terminal, chosen, onChoose, onStep }: TerminalTabProps) {
  const ended = terminal.exit_code != null
  return (
    <button
      type="button"
      role="tab"
      aria-selected={chosen}
      aria-controls={chosen ? `terminal-${terminal.id}` : undefined}
      tabIndex={chosen ? 0 : -1}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (event.key === 'ArrowRight') onStep(1)
        if (event.key === 'ArrowLeft') onStep(-1)
      }}
      className={cn(
        'flex max-w-48 shrink-0 items-center gap-2 border-r border-line px-3.5 text-sm font-medium -outline-offset-2',
        chosen ? 'bg-surface shadow-[inset_0_2px_0_var(--accent)]' : 'text-muted hover:text-ink',
      )}
    >
      <SquareTerminal aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">{name}</span>
      {ended ? <span className="font-normal text-muted">ended</span> : null}
    </button>
  )
}

function NewButton({ pending, onOpen }: { pending: boolean; onOpen: () => void }) {
  const obstacle = useWriteObstacle()
  return (
    <Tooltip words={obstacle ?? 'New terminal'}>
      <Button
        variant="ghost"
        size="icon-sm"
        className="ml-1.5"
        aria-label="New terminal"
        disabled={pending || obstacle !== null}
        onClick={onOpen}
      >
        <Plus className="size-4" />
      </Button>
    </Tooltip>
  )
}

interface StatusLineProps {
  state: TerminalState | undefined
  size: string | undefined
  exitCode: number | null
}

function StatusLine({ state, size, exitCode }: StatusLineProps) {
  const { words, dot } = describe(state, exitCode)
  return (
    <footer className="flex h-7.5 shrink-0 items-center gap-4 border-t border-line px-3.5 text-xs text-muted">
      <span role="status" className="flex items-center gap-1.5">
        <span aria-hidden className={cn('size-1.5 rounded-full', dot)} />
        {words}
      </span>
      <span className="tabular-nums">{size}</span>
      <span className="ml-auto max-sm:hidden">Ctrl+Shift+. leaves · Ctrl+Shift+F finds</span>
    </footer>
  )
}

function describe(state: TerminalState | undefined, exitCode: number | null): { words: string; dot: string } {
  if (state?.kind === 'exited' || (exitCode !== null && state?.kind !== 'connected')) {
    const code = state?.kind === 'exited' ? state.code : exitCode
    return { words: code === 0 ? 'Ended' : `Ended with code ${code}`, dot: 'border border-current' }
  }
  switch (state?.kind) {
    case 'connected':
      return { words: 'Connected', dot: 'bg-ok' }
    case 'reconnecting':
      return { words: 'Reconnecting; what you type is not sent', dot: 'bg-busy animate-breathe' }
    case 'gone':
      return { words: 'This terminal is gone', dot: 'bg-bad' }
    default:
      return { words: 'Connecting', dot: 'bg-busy animate-breathe' }
  }
}
