// One line of a list of facts: what it is called, what it is, and perhaps a button that copies it.

import type { ReactNode } from 'react'
import { CopyButton } from './copy'

export function Fact({ name, copy, children }: { name: string; copy?: string; children: ReactNode }) {
  return (
    <div className="flex min-h-10 items-center gap-4 py-1 pr-2 pl-4">
      <dt className="w-26 shrink-0 text-sm text-muted">{name}</dt>
      <dd className="min-w-0 flex-1 break-words">{children}</dd>
      {copy === undefined ? null : (
        <dd>
          <CopyButton text={copy} label={`Copy: ${name}`} />
        </dd>
      )}
    </div>
  )
}
