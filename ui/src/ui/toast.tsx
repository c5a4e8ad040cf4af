// Short news at the corner of the page. Failures stay until they are closed; the rest goes by itself.

import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { asProblem } from '@/api/problem'
import { Button } from './button'
import { sentence } from './notice'
import { Words } from './words'

interface Toast {
  id: number
  kind: 'good' | 'bad'
  title: string
  detail: string | null
  action: { label: string; act: () => void } | null
}

/** Long enough to read two lines twice. */
const SHOWN_MS = 6000
const MOST = 3

let toasts: readonly Toast[] = []
let lastId = 0
const listeners = new Set<() => void>()

function change(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

function dismiss(id: number): void {
  change(toasts.filter((toast) => toast.id !== id))
}

function show(toast: Omit<Toast, 'id'>): number {
  lastId += 1
  const id = lastId
  change([...toasts.slice(1 - MOST), { ...toast, id }])
  return id
}

/** Says that something worked. */
export function tell(title: string, action: Toast['action'] = null): void {
  const id = show({ kind: 'good', title, detail: null, action })
  setTimeout(() => dismiss(id), SHOWN_MS)
}

/** Says what did not work, why, and the mend. */
export function tellProblem(title: string, thrown: unknown): void {
  const problem = asProblem(thrown)
  show({
    kind: 'bad',
    title,
    detail: [problem.detail, problem.mend].filter(Boolean).map(sentence).join(' '),
    action: null,
  })
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <section
      aria-label="Notifications"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-4 bottom-4 z-50 grid justify-items-end gap-2"
    >
      {shown.map((toast) => (
        <div
          key={toast.id}
          role={toast.kind === 'bad' ? 'alert' : 'status'}
          className="pointer-events-auto flex w-full max-w-sm animate-rise items-start gap-3 rounded-lg border border-line bg-surface py-3 pr-2 pl-3.5 shadow-float"
        >
          {toast.kind === 'bad' ? (
            <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
          ) : (
            <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
          )}
          <div className="min-w-0 flex-1">
            <p className="font-medium">{toast.title}</p>
            {toast.detail ? (
              <p className="mt-0.5 text-sm text-muted">
                <Words text={toast.detail} />
              </p>
            ) : null}
          </div>
          {toast.action ? (
            <Button
              size="sm"
              onClick={() => {
                toast.action?.act()
                dismiss(toast.id)
              }}
            >
              {toast.action.label}
            </Button>
          ) : null}
          <Button variant="ghost" size="icon-sm" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
            <X className="size-3.5" />
          </Button>
        </div>
      ))}
    </section>
  )
}
