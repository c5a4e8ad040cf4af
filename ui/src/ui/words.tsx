// A text of the server: what stands between back-quotes is code.

import { Fragment } from 'react'

export function Words({ text }: { text: string }) {
  return text.split(/`([^`]*)`/).map((part, index) =>
    index % 2 === 0 ? (
      <Fragment key={index}>{part}</Fragment>
    ) : (
      <code key={index} className="rounded-sm bg-ink/7 px-1 py-px text-[0.9em] break-words">
        {part}
      </code>
    ),
  )
}
