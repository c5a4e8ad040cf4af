// A problem that linking an account, or granting more, would mend: with the button that does it.

import { asProblem } from '@/api/problem'
import { Notice, ProblemNotice, sentence } from '@/ui/notice'
import { Words } from '@/ui/words'
import { ConnectButton } from './connect-button'

export function ForgeProblem({ thrown }: { thrown: unknown }) {
  const { code, forge, detail } = asProblem(thrown)
  if (forge === null || (code !== 'link_needed' && code !== 'scope_missing')) return <ProblemNotice thrown={thrown} />
  const isScope = code === 'scope_missing'
  return (
    <Notice kind="warn" role="alert" title={<Words text={sentence(detail)} />}>
      <div className="mt-2 grid justify-items-start gap-3">
        <p>{isScope ? 'Grant more' : 'Connect your account'} there, and you come back here to go on.</p>
        <ConnectButton forge={forge} more={forge.scopes}>
          {isScope ? 'Edit permissions' : null}
        </ConnectButton>
      </div>
    </Notice>
  )
}
