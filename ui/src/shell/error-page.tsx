// Pages for when there is no page: what is wrong, and the way on.

import { Link, useRouter } from '@tanstack/react-router'
import { Compass, Unplug } from 'lucide-react'
import { asProblem } from '@/api/problem'
import { Button } from '@/ui/button'
import { CopyButton } from '@/ui/copy'
import { sentence } from '@/ui/notice'
import { Words } from '@/ui/words'
import { useTitle } from './title'

export function ErrorPage({ error }: { error: unknown }) {
  const router = useRouter()
  const problem = asProblem(error)
  useTitle(problem.title, 'failed')
  return (
    <main id="main" className="mx-auto grid w-full max-w-xl gap-5 px-6 py-20">
      <span aria-hidden className="grid size-11 place-items-center rounded-full bg-bad-soft text-bad">
        <Unplug className="size-5" />
      </span>
      <div className="grid gap-2" role="alert">
        <h1 className="text-2xl font-semibold tracking-tight">{problem.title}</h1>
        <p className="text-lg">
          <Words text={sentence(problem.detail)} />
        </p>
        {problem.mend ? (
          <p className="text-lg text-muted">
            <Words text={sentence(problem.mend)} />
          </p>
        ) : null}
      </div>
      <div className="flex flex-wrap gap-2">
        <Button variant="primary" onClick={() => void router.invalidate()}>
          Try again
        </Button>
        <Button asChild>
          <Link to="/workspaces">Workspaces</Link>
        </Button>
      </div>
      {problem.requestId ? (
        <p className="flex items-center gap-1 text-sm text-muted">
          Request <code>{problem.requestId}</code>
          <CopyButton text={problem.requestId} label="Copy the request id" />
        </p>
      ) : null}
    </main>
  )
}

interface NotFoundProps {
  title?: string
  /** The way on; to the workspaces where nothing is nearer. */
  action?: React.ReactNode
  children?: React.ReactNode
}

export function NotFoundPage({ title = 'There is nothing here', action, children }: NotFoundProps) {
  useTitle(title)
  return (
    <main id="main" className="mx-auto grid w-full max-w-xl gap-5 px-6 py-20">
      <span aria-hidden className="grid size-11 place-items-center rounded-full bg-accent-soft text-accent-text">
        <Compass className="size-5" />
      </span>
      <div className="grid gap-2">
        <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        <p className="text-lg text-muted">
          {children ?? 'No page has this address. It may be mistyped, or what it named was removed.'}
        </p>
      </div>
      <div>
        {action ?? (
          <Button asChild variant="primary">
            <Link to="/workspaces">Go to workspaces</Link>
          </Button>
        )}
      </div>
    </main>
  )
}
