// Variables that an address wants to set. Whoever made the address chose them, so each is confirmed by hand.

import type { Context } from '@/api/documents'
import { Card } from '@/ui/card'
import { Checkbox } from '@/ui/checkbox'
import { sentence } from '@/ui/notice'
import { Words } from '@/ui/words'

interface VariablesProps {
  options: Context['options']
  confirmed: ReadonlySet<string>
  onConfirm: (confirmed: ReadonlySet<string>) => void
}

export function Variables({ options: { variables, refused_variables }, confirmed, onConfirm }: VariablesProps) {
  if (variables.length === 0 && refused_variables.length === 0) return null
  const toggle = (name: string) => {
    const next = new Set(confirmed)
    if (!next.delete(name)) next.add(name)
    onConfirm(next)
  }
  return (
    <Card className="grid gap-4 p-5">
      {variables.length > 0 ? (
        <fieldset className="grid gap-1" data-variables="">
          <legend className="mb-1 font-medium">The address wants to set variables</legend>
          <p className="mb-1.5 text-sm text-muted">
            Programs in the workspace read them. Tick those you expect; the others are left out.
          </p>
          {variables.map(({ name, value }) => (
            <Checkbox
              key={name}
              className="-mx-2"
              label={<code className="text-sm break-all">{name}</code>}
              hint={<code className="break-all">{value === '' ? '(empty)' : value}</code>}
              checked={confirmed.has(name)}
              onChange={() => toggle(name)}
            />
          ))}
        </fieldset>
      ) : null}
      {refused_variables.length > 0 ? (
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">Left out</p>
          <ul className="grid gap-1 text-sm">
            {refused_variables.map(({ name, why }) => (
              <li key={name} className="min-w-0 break-words">
                <code>{name}</code>
                <span className="text-muted">
                  : <Words text={sentence(why)} />
                </span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </Card>
  )
}
