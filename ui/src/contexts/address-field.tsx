// The field for the address of any page of a forge, and what the address means below it.

import type { Context } from '@/api/documents'
import { ForgeProblem } from '@/integrations/forge-problem'
import type { Pasted } from '@/repository/address'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Field, INPUT } from '@/ui/field'
import { ContextPreview, PreviewSkeleton } from './preview'

interface AddressFieldProps {
  typed: string
  /** What can be said without asking. */
  read: Pasted
  context: Context | undefined
  problem: unknown
  isAsking: boolean
  onType: (text: string) => void
}

export function AddressField({ typed, read, context, problem, isAsking, onType }: AddressFieldProps) {
  const secret = read.kind === 'unusable' && read.isSecret ? read : null
  return (
    <div className="grid gap-3">
      <Field
        label="Repository"
        hint="The address of a repository, or of any of its pages: a branch, a merge request, an issue."
        error={secret?.why}
      >
        {(wiring) => (
          <input
            {...wiring}
            className={cn(INPUT, 'h-11 font-mono text-sm')}
            placeholder="https://gitlab.com/group/project"
            value={typed}
            onChange={(event) => onType(event.target.value)}
            spellCheck={false}
            autoComplete="off"
            inputMode="url"
            autoFocus={typed === ''}
          />
        )}
      </Field>
      {secret?.instead ? (
        <Button size="sm" className="justify-self-start" onClick={() => onType(secret.instead ?? typed)}>
          Use {secret.instead}
        </Button>
      ) : null}
      <div className="grid min-h-5.5 content-start">
        {context ? <ContextPreview context={context} /> : null}
        {isAsking && context === undefined ? <PreviewSkeleton /> : null}
        {problem === null || problem === undefined || isAsking ? null : <ForgeProblem thrown={problem} />}
      </div>
    </div>
  )
}
