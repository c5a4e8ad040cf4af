// One's SSH key: what it is, where it was uploaded to, and a new one.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, RefreshCw, RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { SshKey } from '@/api/documents'
import { integrationsQuery, sshKeyQuery } from '@/api/forges'
import { uploadState } from '@/integrations/state'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { CopyLine } from '@/ui/copy'
import { FormDialog } from '@/ui/form-dialog'
import { Moment } from '@/ui/moment'
import { ProblemNotice, sentence } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { Words } from '@/ui/words'
import { algorithmName } from './ssh-algorithm'

export function SshKeySection() {
  const key = useQuery(sshKeyQuery)
  const [isReplacing, setReplacing] = useState(false)
  return (
    <Section
      id="ssh-key"
      title="SSH key"
      description="Git in your workspaces signs in with it. The private half never leaves the server: workspaces only ask it to sign."
      actions={
        key.data ? (
          <Button onClick={() => setReplacing(true)}>
            <RotateCcw aria-hidden className="size-4" />
            Regenerate
          </Button>
        ) : null
      }
    >
      {key.isError ? (
        <ProblemNotice thrown={key.error} actions={<Button onClick={() => void key.refetch()}>Try again</Button>} />
      ) : null}
      {key.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {key.data ? <KeyCard sshKey={key.data} /> : null}
      {isReplacing && key.data ? <ReplaceDialog sshKey={key.data} onClose={() => setReplacing(false)} /> : null}
    </Section>
  )
}

function KeyCard({ sshKey }: { sshKey: SshKey }) {
  const { algorithm, policy, fingerprint, public_key, created_at } = sshKey
  return (
    <div className="grid gap-6">
      <Card className="grid gap-4 p-5">
        <CopyLine text={public_key} label="Copy the public key" />
        <dl className="grid gap-x-8 gap-y-3 max-sm:[&>dd]:-mt-2.5 sm:grid-cols-[auto_1fr]">
          <dt className="text-sm text-muted">Fingerprint</dt>
          <dd className="font-mono text-sm break-all">{fingerprint}</dd>
          <dt className="text-sm text-muted">Algorithm</dt>
          <dd>
            {algorithmName(algorithm)}
            {policy === algorithm ? null : (
              <span className="text-muted"> · new keys are {algorithmName(policy)}; regenerate to get one</span>
            )}
          </dd>
          <dt className="text-sm text-muted">Made</dt>
          <dd>
            <Moment at={created_at} />
          </dd>
        </dl>
      </Card>
      <Uploads sshKey={sshKey} />
    </div>
  )
}

function Uploads({ sshKey: { uploads } }: { sshKey: SshKey }) {
  const client = useQueryClient()
  const [pending, setPending] = useState(false)
  const retry = async () => {
    setPending(true)
    try {
      client.setQueryData(sshKeyQuery.queryKey, await answer(api.POST('/api/v1/me/ssh-key/uploads')))
      tell('Trying again')
    } catch (error) {
      tellProblem('The key was not uploaded', error)
    }
    setPending(false)
    void client.invalidateQueries({ queryKey: integrationsQuery.queryKey })
  }
  const failed = uploads.filter(({ state }) => state === 'failed')
  return (
    <section aria-labelledby="uploads-title" className="grid gap-3">
      <header className="flex flex-wrap items-end justify-between gap-3">
        <h3 id="uploads-title" className="font-semibold">
          At your Git providers
        </h3>
        {failed.length > 0 ? (
          <Button size="sm" pending={pending} onClick={() => void retry()}>
            {pending ? null : <RefreshCw aria-hidden className="size-3.5" />}
            Try again
          </Button>
        ) : null}
      </header>
      <Card>
        {uploads.length === 0 ? (
          <p className="px-5 py-4 text-muted">
            Nowhere yet. When you connect a Git provider, the key is uploaded to your account there. It can also be
            added by hand: copy it from above.
          </p>
        ) : null}
        <ul className="divide-y divide-line">
          {uploads.map(({ forge, name, state, why, mend, at }) => {
            const meaning = uploadState(state)
            return (
              <li key={forge} className="flex items-start gap-3.5 px-5 py-3.5">
                <KeyRound aria-hidden className="mt-0.5 size-4.5 shrink-0 text-muted" />
                <div className="grid min-w-0 flex-1 gap-0.5">
                  <p className="font-medium">{name}</p>
                  {why ? (
                    <p className="text-sm">
                      <Words text={sentence(why)} />
                    </p>
                  ) : null}
                  {mend ? (
                    <p className="text-sm text-muted">
                      <Words text={sentence(mend)} />
                    </p>
                  ) : null}
                  {state === 'unsupported' && !mend ? (
                    <p className="text-sm text-muted">Copy the key from above and add it in your settings there.</p>
                  ) : null}
                  {at ? (
                    <p className="text-sm text-muted">
                      Checked <Moment at={at} />
                    </p>
                  ) : null}
                </div>
                {meaning ? <Badge tone={meaning.tone}>{meaning.word}</Badge> : null}
              </li>
            )
          })}
        </ul>
      </Card>
    </section>
  )
}

function ReplaceDialog({ sshKey, onClose }: { sshKey: SshKey; onClose: () => void }) {
  const client = useQueryClient()
  const replace = async () => {
    client.setQueryData(sshKeyQuery.queryKey, await answer(api.POST('/api/v1/me/ssh-key')))
    tell('A new key is in use')
    void client.invalidateQueries({ queryKey: integrationsQuery.queryKey })
  }
  return (
    <FormDialog title="Regenerate the SSH key?" verb="Regenerate" danger onSubmit={replace} onClose={onClose}>
      <ul className="grid list-disc gap-1 pl-5 text-muted">
        <li>The present key stops working at once, in running workspaces too.</li>
        <li>At connected Git providers it is replaced by the new one.</li>
        <li>Wherever you added it by hand, you have to replace it by hand.</li>
        <li>Commits signed with it stay signed, but providers may no longer show them as verified.</li>
        {sshKey.policy === sshKey.algorithm ? null : <li>The new key is {algorithmName(sshKey.policy)}.</li>}
      </ul>
    </FormDialog>
  )
}
