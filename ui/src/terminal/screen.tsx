// One terminal in the page: the screen, its find bar, and what it says about its connection.

import { ChevronDown, ChevronUp, X } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Terminal } from '@/api/documents'
import { useIsDark, usePreference } from '@/shell/preference'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Notice } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import type { TerminalState } from './connection'
import type { TerminalView } from './view'

interface ScreenProps {
  workspace: string
  terminal: Terminal
  label: string
  active: boolean
  onState: (state: TerminalState) => void
  onSize: (size: string) => void
  onLeave: () => void
}

export function Screen({ workspace, terminal, label, active, onState, onSize, onLeave }: ScreenProps) {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<TerminalView | null>(null)
  const [status, setStatus] = useState<'loading' | 'ready' | 'broken'>('loading')
  const [finding, setFinding] = useState(false)
  const dark = useIsDark()
  const fontSize = Number(usePreference('terminalSize'))
  const screenReader = usePreference('screenReader') === 'on'
  // Handlers may change with each render; the view must not be made anew for that.
  const handlers = useRef({
    onState,
    onSize,
    onLeave,
    active,
    first: { liveFrom: terminal.next_sequence, label, fontSize },
  })
  useLayoutEffect(() => {
    Object.assign(handlers.current, { onState, onSize, onLeave, active })
  })

  useEffect(() => {
    let gone = false
    import('./view')
      .then((module) => {
        if (gone || place.current === null) return
        const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
        view.current = new module.TerminalView(place.current, {
          url: `${scheme}://${location.host}/api/v1/workspaces/${workspace}/terminals/${terminal.id}`,
          ...handlers.current.first,
          screenReader,
          onState: (state) => handlers.current.onState(state),
          onSize: (columns, rows) => handlers.current.onSize(`${columns} × ${rows}`),
          onLeave: () => handlers.current.onLeave(),
          onFind: () => setFinding(true),
        })
        setStatus('ready')
        if (handlers.current.active) view.current.focus()
      })
      .catch(() => setStatus('broken'))
    const retry = () => {
      if (!document.hidden) view.current?.retryNow()
    }
    addEventListener('online', retry)
    document.addEventListener('visibilitychange', retry)
    return () => {
      gone = true
      removeEventListener('online', retry)
      document.removeEventListener('visibilitychange', retry)
      view.current?.dispose()
      view.current = null
    }
  }, [workspace, terminal.id, screenReader])

  // oxlint-disable-next-line react/exhaustive-deps -- `dark` is what the colours depend on
  useEffect(() => view.current?.setTheme(), [dark])
  useEffect(() => view.current?.setFontSize(fontSize), [fontSize])
  useEffect(() => {
    if (!active) return
    view.current?.fit()
    view.current?.focus()
  }, [active])

  return (
    <div className={cn('absolute inset-0 bg-surface', !active && 'hidden')}>
      {status === 'loading' ? (
        <div className="grid gap-2 p-4">
          <Skeleton className="w-56" />
          <Skeleton className="w-36" />
        </div>
      ) : null}
      {status === 'broken' ? (
        <Notice kind="bad" className="m-4" role="alert" title="The terminal could not be loaded.">
          Reload the page. If Hearth was upgraded meanwhile, that is why.
        </Notice>
      ) : null}
      <div ref={place} className="absolute inset-0 overflow-hidden" />
      {finding ? (
        <FindBar
          onFind={(text, direction) => view.current?.find(text, direction) ?? false}
          onClose={() => {
            setFinding(false)
            view.current?.focus()
          }}
        />
      ) : null}
    </div>
  )
}

interface FindBarProps {
  onFind: (text: string, direction: 'next' | 'previous') => boolean
  onClose: () => void
}

function FindBar({ onFind, onClose }: FindBarProps) {
  const [text, setText] = useState('')
  const [found, setFound] = useState(true)
  const find = (direction: 'next' | 'previous', wanted = text) => setFound(wanted === '' || onFind(wanted, direction))
  return (
    <search className="absolute top-2 right-4 z-10 flex items-center gap-1 rounded-md border border-line bg-surface p-1 shadow-float">
      <input
        autoFocus
        aria-label="Find in the terminal"
        placeholder="Find"
        className={cn('h-6.5 w-48 rounded-sm bg-transparent px-2 text-sm outline-accent', !found && 'text-bad')}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          find('next', event.target.value)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') find(event.shiftKey ? 'previous' : 'next')
          if (event.key === 'Escape') onClose()
        }}
      />
      <span role="status" className="sr-only">
        {found ? '' : 'Not found'}
      </span>
      <Button variant="ghost" size="icon-sm" aria-label="Previous match" onClick={() => find('previous')}>
        <ChevronUp className="size-3.5" />
      </Button>
      <Button variant="ghost" size="icon-sm" aria-label="Next match" onClick={() => find('next')}>
        <ChevronDown className="size-3.5" />
      </Button>
      <Button variant="ghost" size="icon-sm" aria-label="Close" onClick={onClose}>
        <X className="size-3.5" />
      </Button>
    </search>
  )
}
