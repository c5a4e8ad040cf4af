// A button for each forge that people may sign in with.

import { useEffect, useState } from 'react'
import { answer, api } from '@/api/client'
import type { SignInOption } from '@/api/documents'
import { KindIcon } from '@/forges/kind-icon'
import { leaveFor } from '@/integrations/leave'
import { Button } from '@/ui/button'
import { ProblemNotice } from '@/ui/notice'

interface SignInForgesProps {
  forges: SignInOption[]
  /** The page to come back to, fragment and all. */
  destination: string
}

export function SignInForges({ forges, destination }: SignInForgesProps) {
  const [leaving, setLeaving] = useState<string | null>(null)
  const [problem, setProblem] = useState<unknown>(null)
  // With the browser's back button the page returns as it was left.
  useEffect(() => {
    const onShow = () => setLeaving(null)
    addEventListener('pageshow', onShow)
    return () => removeEventListener('pageshow', onShow)
  }, [])

  const begin = async (forge: string) => {
    setLeaving(forge)
    setProblem(null)
    try {
      const { authorize_url } = await answer(
        api.POST('/api/v1/session/forge', { body: { forge, return_to: destination } }),
      )
      leaveFor(authorize_url)
    } catch (error) {
      setProblem(error)
      setLeaving(null)
    }
  }
  // Two of the same name are told apart by their hosts.
  const isAmbiguous = (name: string) => forges.filter((forge) => forge.name === name).length > 1
  return (
    <div className="grid gap-2.5">
      {problem === null ? null : <ProblemNotice thrown={problem} />}
      {forges.map(({ forge, kind, name, host }) => (
        <Button
          key={forge}
          size="lg"
          className="w-full min-w-0 shrink"
          title={host}
          pending={leaving === forge}
          disabled={leaving !== null}
          onClick={() => void begin(forge)}
        >
          {leaving === forge ? null : <KindIcon kind={kind} className="size-4.5 text-muted" />}
          <span className="truncate">Sign in with {isAmbiguous(name) ? `${name} (${host})` : name}</span>
        </Button>
      ))}
    </div>
  )
}
