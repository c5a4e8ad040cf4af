// Everything about a workspace that one may want to take along.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { bytes } from '@/amount/bytes'
import type { Workspace } from '@/api/documents'
import { meQuery } from '@/api/session'
import { SharingSection } from '@/kites/sharing'
import { repositoryPage } from '@/repository/address'
import { took } from '@/time/format'
import { Card, Section } from '@/ui/card'
import { CopyLine } from '@/ui/copy'
import { Fact } from '@/ui/fact'
import { Moment } from '@/ui/moment'

export function Details({ workspace }: { workspace: Workspace }) {
  const { id, name, source, limits } = workspace
  const { data: me } = useQuery(meQuery)
  const page = source ? repositoryPage(source.repository) : null
  const api = `${location.origin}/api/v1/workspaces/${id}`
  return (
    <div className="grid gap-8 xl:grid-cols-[minmax(20rem,2fr)_3fr]">
      <Section id="facts" title="Facts">
        <Card>
          <dl className="divide-y divide-line">
            <Fact name="Id" copy={id}>
              <code className="text-sm">{id}</code>
            </Fact>
            <Fact name="Owner">{workspace.owner.name}</Fact>
            <Fact name="Team">
              <Link
                to="/t/$team"
                params={{ team: workspace.team.slug }}
                className="underline decoration-line-strong underline-offset-2 hover:decoration-accent"
              >
                {workspace.team.name}
              </Link>
            </Fact>
            {source?.title ? <Fact name="For">{source.title}</Fact> : null}
            {source ? (
              <Fact name="Repository" copy={source.repository}>
                {page ? (
                  <a
                    href={page}
                    target="_blank"
                    rel="noreferrer"
                    className="underline decoration-line-strong underline-offset-2 hover:decoration-accent"
                  >
                    {source.repository}
                  </a>
                ) : (
                  source.repository
                )}
              </Fact>
            ) : null}
            {source?.local_branch ? <Fact name="New branch">{source.local_branch}</Fact> : null}
            {source?.ref ? <Fact name={refName(source.ref_kind)}>{source.ref}</Fact> : null}
            {source?.revision ? (
              <Fact name="Commit" copy={source.revision}>
                <code className="text-sm break-all">{source.revision}</code>
              </Fact>
            ) : null}
            {source?.upstream ? <Fact name="Upstream">{source.upstream}</Fact> : null}
            {source?.path ? (
              <Fact name="Shown first">
                <code className="text-sm">{source.path}</code>
              </Fact>
            ) : null}
            <Fact name="Folder" copy={workspace.folder}>
              <code className="text-sm">{workspace.folder}</code>
            </Fact>
            <Fact name="Environment">{workspace.rootfs === 'host' ? 'This machine' : workspace.rootfs}</Fact>
            <Fact name="Limits">
              {limits.cpu_millis / 1000} cores, {bytes(limits.memory_bytes)}, {limits.pids} processes
            </Fact>
            <Fact name="Created">
              <Moment at={workspace.created_at} />
            </Fact>
            <Fact name="Last active">
              <Moment at={workspace.last_activity_at} />
            </Fact>
            {startTook(workspace) ? <Fact name="Last start">{startTook(workspace)}</Fact> : null}
            <Fact name="Starts">{workspace.run}</Fact>
          </dl>
        </Card>
      </Section>
      <div className="grid content-start gap-8">
        {workspace.owner.id === me?.id ? <SharingSection shared={{ id, name, isWorkspace: true, team: null }} /> : null}
        <Section id="command-line" title="Command line">
          <div className="grid gap-2">
            <CopyLine label="Copy the command that runs a command" text={`hearth exec ${id} -- git status`} />
            <CopyLine label="Copy the command that shows the log" text={`hearth logs ${id}`} />
            <CopyLine label="Copy the command that opens it" text={`hearth open ${id}`} />
            <CopyLine label="Copy the command that stops it" text={`hearth stop ${id}`} />
          </div>
        </Section>
        <Section id="http" title="HTTP" description="With an API token from the settings in HEARTH_TOKEN.">
          <div className="grid gap-2">
            <CopyLine
              label="Copy the request that runs a command"
              text={[
                `curl -X POST ${api}/exec \\`,
                `  -H "Authorization: Bearer $HEARTH_TOKEN" \\`,
                `  -H "Content-Type: application/json" \\`,
                `  -d '{"command": ["git", "status"]}'`,
              ].join('\n')}
            />
            <CopyLine
              label="Copy the request that shows it"
              text={`curl -H "Authorization: Bearer $HEARTH_TOKEN" ${api}`}
            />
          </div>
        </Section>
      </div>
    </div>
  )
}

function refName(kind: string | null | undefined): string {
  if (kind === 'tag') return 'Tag'
  return kind === 'branch' ? 'Branch' : 'Ref'
}

/** From the first step's beginning to the last one's end, once all are done. */
function startTook({ steps }: Workspace): string | null {
  const times = steps.flatMap(({ started_at, finished_at }) => [started_at, finished_at]).filter((time) => time != null)
  if (steps.some(({ state }) => state !== 'done' && state !== 'skipped') || times.length === 0) return null
  const moments = times.map((time) => Date.parse(time))
  return `took ${took(Math.max(...moments) - Math.min(...moments))}`
}
