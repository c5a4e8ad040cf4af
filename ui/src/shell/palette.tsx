// The command palette: search, jump, act, or paste a repository's address.

import { useQuery } from '@tanstack/react-query'
import { CornerDownLeft, Search } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { workspacesQuery } from '@/api/workspaces'
import { type Pasted, readAddress, repositoryName } from '@/repository/address'
import { cn } from '@/ui/class-names'
import { Dialog } from '@/ui/dialog'
import { Key } from '@/ui/key'
import type { Command } from './commands'
import { useCommands, workspaceCommands } from './commands'
import { fit } from './match'

const MOST = 50

/** The repository of an address that is not a plain one, such as one for SSH. */
function meantBy({ instead, isSecret }: Pasted & { kind: 'unusable' }): string | null {
  return instead === null || isSecret ? null : repositoryName(instead)
}

/** The same commands with each group together, the group of the best first. */
function grouped(commands: Command[]): Command[] {
  const groups = Map.groupBy(commands, ({ group }) => group)
  return [...groups.values()].flat()
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const { data: workspaces = [] } = useQuery(workspacesQuery)
  const { general, openAddress, toWorkspace } = useCommands()

  const found = useMemo(() => {
    // The whole text: its page says more than its repository.
    const address = readAddress(typed)
    const name = address.kind === 'repository' ? address.name : address.kind === 'unusable' ? meantBy(address) : null
    if (name !== null && typed.includes('/')) return [openAddress(typed.trim(), name)]
    const recent = workspaces.toSorted(
      (one, other) => Date.parse(other.last_activity_at) - Date.parse(one.last_activity_at),
    )
    const all = [...workspaceCommands(recent, toWorkspace), ...general]
    const fitting = all
      .map((command) => ({ command, score: fit(`${command.title} ${command.detail ?? ''}`, typed) }))
      .filter(({ score }) => score > 0)
      .toSorted((one, other) => other.score - one.score)
      .map(({ command }) => command)
    return grouped(typed.trim() === '' ? fitting.filter(({ isMinor }) => !isMinor) : fitting).slice(0, MOST)
  }, [typed, workspaces, general, openAddress, toWorkspace])

  const active = Math.min(chosen, found.length - 1)
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [active])

  const run = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    command.act()
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) setChosen((active + step + found.length) % Math.max(1, found.length))
    else if (event.key === 'Enter') run(found[active])
    else return
    event.preventDefault()
  }

  return (
    <Dialog
      bare
      title="Search, jump and act"
      onClose={onClose}
      className="mt-[12vh] w-[min(38rem,calc(100vw-2rem))] overflow-hidden"
    >
      <div className="flex items-center gap-3 border-b border-line px-4">
        <Search aria-hidden className="size-4.5 shrink-0 text-muted" />
        <input
          data-autofocus=""
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${active}` : undefined}
          aria-label="Search, jump and act"
          placeholder="Search, or paste the URL of a repository"
          className="h-12.5 w-full bg-transparent text-lg outline-none placeholder:text-muted"
          value={typed}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setTyped(event.target.value)
            setChosen(0)
          }}
          onKeyDown={onKeyDown}
        />
        <Key>Esc</Key>
      </div>
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label="Commands"
        className="max-h-[min(24rem,55vh)] overflow-y-auto p-1.5"
      >
        {found.map((command, index) => {
          const heading = index === 0 || found[index - 1]?.group !== command.group
          return (
            <div key={command.key} role="presentation">
              {heading ? (
                <div role="presentation" className="px-2.5 pt-2 pb-1 text-xs font-medium text-muted">
                  {command.group}
                </div>
              ) : null}
              {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys are handled by the input, which keeps the focus */}
              <div
                id={`${id}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === active}
                onMouseMove={() => setChosen(index)}
                onClick={() => run(command)}
                className={cn(
                  'flex min-h-9.5 cursor-pointer items-center gap-3 rounded-md px-2.5 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-muted',
                  index === active && 'bg-ink/7',
                )}
              >
                {command.icon}
                <span className="truncate">{command.title}</span>
                {command.detail ? <span className="truncate text-sm text-muted">{command.detail}</span> : null}
                <span className="ml-auto flex shrink-0 items-center gap-1">
                  {command.keys?.split(' ').map((key) => (
                    <Key key={key}>{key}</Key>
                  ))}
                  {index === active ? <CornerDownLeft aria-hidden className="size-3.5 text-muted" /> : null}
                </span>
              </div>
            </div>
          )
        })}
        {found.length === 0 ? <p className="px-3 py-8 text-center text-muted">Nothing matches “{typed}”.</p> : null}
      </div>
    </Dialog>
  )
}
