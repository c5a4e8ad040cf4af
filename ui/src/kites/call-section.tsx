// How a kite is called: its address, and a token for it.

import { useQuery } from '@tanstack/react-query'
import { Copy } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Kite, KiteToken } from '@/api/documents'
import { meQuery } from '@/api/session'
import { useWriteObstacle } from '@/live/connection'
import { useSlowNow } from '@/time/clock'
import { exact } from '@/time/format'
import { Button } from '@/ui/button'
import { Section } from '@/ui/card'
import { copyText, CopyLine } from '@/ui/copy'
import { Moment } from '@/ui/moment'
import { Notice, ProblemNotice } from '@/ui/notice'
import { callCommand } from './command'
import { rightOf } from './words'

export function CallSection({ kite }: { kite: Kite }) {
  const { data: me } = useQuery(meQuery)
  const command = callCommand(kite)
  return (
    <Section id="call" title="Call it" description={kite.may_call ? `${rightOf(kite, me?.id)}.` : undefined}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {kite.may_call ? null : (
          <Notice kind="note" title="You may not call it.">
            {rightOf(kite, me?.id)}.
          </Notice>
        )}
        <Labelled title="URL" hint={hintOf(kite)}>
          <CopyLine text={kite.url} label="Copy the URL" />
        </Labelled>
        {kite.may_call ? (
          <>
            <TokenBox kite={kite} />
            {command === null ? null : (
              <Labelled title="On the command line">
                <CopyLine text={command} label="Copy the command" />
              </Labelled>
            )}
          </>
        ) : null}
      </div>
    </Section>
  )
}

function hintOf({ workspace }: Kite): string {
  return workspace == null
    ? 'What it registered. Your program dials it there; Hearth is not in between.'
    : 'Hearth passes calls on to the workspace, with what they return and their events.'
}

function Labelled({ title, hint, children }: { title: string; hint?: string; children: React.ReactNode }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-1.5">
      <p className="text-sm font-medium">{title}</p>
      {children}
      {hint ? <p className="text-sm text-muted">{hint}</p> : null}
    </div>
  )
}

type Copied = { token: KiteToken; byHand: boolean }

function TokenBox({ kite }: { kite: Kite }) {
  const obstacle = useWriteObstacle()
  const [copied, setCopied] = useState<Copied | null>(null)
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const copy = async () => {
    setPending(true)
    setProblem(null)
    try {
      const token = await answer(api.POST('/api/v1/kites/{id}/token', { params: { path: { id: kite.id } } }))
      // Some browsers allow copying only within a moment of the click; then it is done by hand.
      const byHand = await copyText(token.token).then(
        () => false,
        () => true,
      )
      setCopied({ token, byHand })
    } catch (error) {
      setCopied(null)
      setProblem(error)
    }
    setPending(false)
  }
  return (
    <Labelled title="Token">
      {copied === null ? (
        <p className="text-muted">
          Whoever holds it may call this kite as you until it ends, and nothing else. Programs that register fetch their
          own.
        </p>
      ) : null}
      <div>
        <Button pending={pending} disabled={obstacle !== null || !kite.connected} onClick={() => void copy()}>
          {pending ? null : <Copy aria-hidden className="size-4" />}
          Copy a token
        </Button>
      </div>
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      {copied === null ? null : <Given {...copied} workspace={kite.workspace != null} />}
    </Labelled>
  )
}

function Given({ token, byHand, workspace }: Copied & { workspace: boolean }) {
  const now = useSlowNow()
  if (Date.parse(token.expires_at) <= now) {
    return (
      <Notice kind="note" role="status" title="That token has ended.">
        Copy another one.
      </Notice>
    )
  }
  return (
    <Notice kind={workspace ? 'warn' : 'note'} role="status" title={byHand ? 'Copy it by hand' : 'The token is copied'}>
      <p>
        {workspace
          ? 'Whoever holds it can do everything inside the workspace as you, '
          : 'Whoever holds it can call this kite as you, '}
        and nothing anywhere else. It ends <Moment at={token.expires_at} />, at {exact(token.expires_at)}.
      </p>
      {byHand ? <CopyLine text={token.token} label="Copy the token" className="mt-2" /> : null}
    </Notice>
  )
}
