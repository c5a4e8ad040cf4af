// The log of a start: live, coloured, linkable, following its end until one scrolls away from it.

import { useLocation } from '@tanstack/react-router'
import { ArrowDown, Clock, Download, Link2, WrapText } from 'lucide-react'
import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { fetchRaw } from '@/api/client'
import type { LogLine, Step, Workspace } from '@/api/documents'
import { setPreference, usePreference } from '@/shell/preference'
import { timeOfDay } from '@/time/format'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { CopyButton } from '@/ui/copy'
import { save } from '@/ui/save'
import { tellProblem } from '@/ui/toast'
import { Tooltip } from '@/ui/tooltip'
import { plainText } from './ansi'
import { LogChunk } from './chunk'
import { LogFeed, type LogView } from './feed'

/** This near to the end counts as at the end: less than a line and a half. */
const NEAR_PX = 32

interface LogPaneProps {
  workspace: Workspace
  className?: string
}

export function LogPane({ workspace, className }: LogPaneProps) {
  const { id, run, phase } = workspace
  const isSettled = phase === 'failed' || phase === 'stopped'
  const url = `/api/v1/workspaces/${id}/log`
  // Each start has a log of its own.
  // oxlint-disable-next-line react/exhaustive-deps -- `run` is what makes it another log
  const feed = useMemo(() => new LogFeed(url), [url, run])
  const view = useSyncExternalStore(feed.subscribe, feed.view)
  const wrap = usePreference('logWrap') === 'on'
  const times = usePreference('logTimes') === 'on'
  const linked = useLinkedLine()
  const { scroller, following, unseen, jump } = useFollow(view, linked)

  return (
    <section
      aria-label="Log"
      className={cn('flex min-h-0 flex-col overflow-hidden rounded-lg border border-line bg-sunken', className)}
    >
      <header className="flex h-10 shrink-0 items-center gap-1 border-b border-line bg-surface pr-1.5 pl-3.5">
        <h2 className="font-medium">Log</h2>
        <LiveState state={view.state === 'live' && isSettled ? 'ended' : view.state} />
        <span className="ml-auto flex items-center gap-0.5">
          <Toggle words="Times" pressed={times} onPress={() => setPreference('logTimes', times ? 'off' : 'on')}>
            <Clock className="size-3.5" />
          </Toggle>
          <Toggle words="Wrap long lines" pressed={wrap} onPress={() => setPreference('logWrap', wrap ? 'off' : 'on')}>
            <WrapText className="size-3.5" />
          </Toggle>
          {linked === null ? null : (
            <CopyButton
              text={() => location.href}
              label={`Copy the link to line ${linked}`}
              icon={<Link2 className="size-3.5" />}
            />
          )}
          <CopyButton text={() => textOf(view)} label="Copy the log" />
          <Tooltip words="Download the whole log">
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label="Download the whole log"
              onClick={() => void download(workspace)}
            >
              <Download className="size-3.5" />
            </Button>
          </Tooltip>
        </span>
      </header>
      <div className="relative min-h-0 flex-1">
        <div
          ref={scroller}
          role="log"
          aria-label="Lines"
          aria-live="off"
          tabIndex={0}
          className="absolute inset-0 overflow-auto py-2.5 font-mono text-[0.78125rem] leading-5 -outline-offset-2"
        >
          {view.dropped > 0 ? (
            <p className="px-4 py-1 text-muted">
              {view.dropped} earlier lines are not shown; the download has them all.
            </p>
          ) : null}
          {view.chunks.map((chunk, index) => (
            <LogChunk
              key={chunk[0]?.sequence}
              lines={chunk}
              stepBefore={view.chunks[index - 1]?.at(-1)?.step ?? null}
              steps={headings(workspace.steps)}
              linked={linked !== null && isWithin(linked, chunk) ? linked : null}
              wrap={wrap}
              times={times}
            />
          ))}
          {view.total === 0 ? (
            <p className="px-4 text-muted">
              {view.state === 'connecting' ? 'Reading the log…' : 'Nothing has been written yet.'}
            </p>
          ) : null}
        </div>
        {following || view.total === 0 ? null : (
          <Button size="sm" className="absolute right-4 bottom-3 shadow-float" onClick={jump}>
            <ArrowDown aria-hidden className="size-3.5" />
            Jump to the end{unseen > 0 ? ` (${unseen} new)` : ''}
          </Button>
        )}
      </div>
    </section>
  )
}

/** The line the URL points at: `#L120`. */
function useLinkedLine(): number | null {
  const hash = useLocation({ select: (location) => location.hash })
  const match = /^L(\d+)$/.exec(hash)
  return match ? Number(match[1]) : null
}

function isAtEnd(element: HTMLElement | null): boolean {
  return element === null || element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
}

/** Keeps the end in sight until somebody scrolls up; shows a linked line once it is there. */
function useFollow(view: LogView, linked: number | null) {
  const scroller = useRef<HTMLDivElement>(null)
  const [following, setFollowing] = useState(true)
  const [seen, setSeen] = useState(0)
  const shown = useRef<number | null>(null)

  useLayoutEffect(() => {
    const element = scroller.current
    if (element !== null && following) element.scrollTop = element.scrollHeight
  }, [view, following])

  useEffect(() => {
    if (linked === null || shown.current === linked) return
    const line = document.getElementById(`L${linked}`)
    if (line === null) return
    shown.current = linked
    line.scrollIntoView({ block: 'center' })
    setFollowing(isAtEnd(scroller.current))
  }, [linked, view])

  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    let before = element.scrollTop
    const onScroll = () => {
      const atEnd = isAtEnd(element)
      // Growing content also moves the end away; only going up is somebody's wish.
      if (atEnd) setFollowing(true)
      else if (element.scrollTop < before) setFollowing(false)
      before = element.scrollTop
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [])

  if (following && seen !== view.total) setSeen(view.total)
  const jump = () => {
    setFollowing(true)
    scroller.current?.focus({ preventScroll: true })
  }
  return { scroller, following, unseen: view.total - seen, jump }
}

function LiveState({ state }: { state: LogView['state'] }) {
  const words = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', ended: 'Complete' }[state]
  return (
    <span
      role="status"
      className={cn('ml-2 flex items-center gap-1.5 text-sm', state === 'live' ? 'text-ok' : 'text-muted')}
    >
      <span aria-hidden className={cn('size-1.5 rounded-full', state === 'live' ? 'bg-ok' : 'border border-current')} />
      {words}
    </span>
  )
}

interface ToggleProps {
  words: string
  pressed: boolean
  onPress: () => void
  children: React.ReactNode
}

function Toggle({ words, pressed, onPress, children }: ToggleProps) {
  return (
    <Tooltip words={words}>
      <Button
        variant="ghost"
        size="icon-sm"
        aria-label={words}
        aria-pressed={pressed}
        onClick={onPress}
        className={cn(pressed && 'bg-ink/8 text-ink')}
      >
        {children}
      </Button>
    </Tooltip>
  )
}

function headings(steps: Step[]): Record<string, Step> {
  return Object.fromEntries(steps.map((step) => [step.name, step]))
}

function isWithin(sequence: number, chunk: readonly { sequence: number }[]): boolean {
  const first = chunk[0]?.sequence
  const last = chunk.at(-1)?.sequence
  return first !== undefined && last !== undefined && sequence >= first && sequence <= last
}

function textOf(view: LogView): string {
  return view.chunks.flatMap((chunk) => chunk.map((line) => plainText(line.text))).join('\n')
}

async function download({ id, name }: Workspace): Promise<void> {
  try {
    const response = await fetchRaw(`/api/v1/workspaces/${id}/log?follow=false`)
    const lines = (await response.json()) as LogLine[]
    save(`${name}.log`, lines.map((line) => `${timeOfDay(line.time)}  ${plainText(line.text)}`).join('\n'))
  } catch (error) {
    tellProblem('The log was not downloaded', error)
  }
}
