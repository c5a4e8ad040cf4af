// What a place says that has nothing in it yet: what would be here, and the next act.

import type { ReactNode } from 'react'

export function Empty({
  icon,
  title,
  children,
  actions,
}: {
  icon?: ReactNode
  title: string
  children?: ReactNode
  actions?: ReactNode
}) {
  return (
    <div className="grid justify-items-center gap-3 px-6 py-14 text-center">
      {icon ? (
        <span
          aria-hidden
          className="grid size-11 place-items-center rounded-full bg-accent-soft text-accent-text *:size-5"
        >
          {icon}
        </span>
      ) : null}
      <div className="grid max-w-md gap-1">
        <h2 className="text-lg font-semibold tracking-tight">{title}</h2>
        {children ? <div className="text-muted">{children}</div> : null}
      </div>
      {actions}
    </div>
  )
}
