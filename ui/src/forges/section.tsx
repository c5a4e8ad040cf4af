// The registered forges: the platform's, or those of one team.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FolderGit2, Plus } from 'lucide-react'
import { forgesQuery } from '@/api/forges'
import type { Forge } from '@/api/documents'
import { hostOf } from '@/integrations/state'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { ProblemNotice, sentence } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { KindIcon } from './kind-icon'
import { placesOf } from './places'
import { forgeState } from './state'

export function ForgesSection({ team, mayChange = true }: { team?: string; mayChange?: boolean }) {
  const forges = useQuery(forgesQuery(team))
  const places = placesOf(team)
  const items = forges.data?.items
  const register = (
    <Button asChild variant="primary">
      <Link to={places.fresh}>
        <Plus aria-hidden className="size-4" />
        Register a forge
      </Link>
    </Button>
  )
  return (
    <Section
      id="forges"
      title="Forges"
      description={
        team === undefined
          ? 'Where code comes from. Registered once, then everybody connects an account of their own.'
          : 'Only for this team, beside those of the whole platform. Its members connect accounts of their own.'
      }
      actions={mayChange && items && items.length > 0 ? register : null}
    >
      {forges.isError ? (
        <ProblemNotice
          thrown={forges.error}
          actions={<Button onClick={() => void forges.refetch()}>Try again</Button>}
        />
      ) : null}
      {forges.isPending ? (
        <Card>
          <SkeletonRows rows={2} />
        </Card>
      ) : null}
      {items?.length === 0 ? (
        <Card>
          <Empty icon={<FolderGit2 />} title="No forge yet" actions={mayChange ? register : null}>
            Register GitLab, GitHub, Gitea, Bitbucket or Azure DevOps, and private repositories open as easily as public
            ones. It takes three steps.
          </Empty>
        </Card>
      ) : null}
      {items && items.length > 0 ? (
        <Table label="Forges">
          <thead>
            <tr>
              <Head>Name</Head>
              <Head>State</Head>
              <Head className="max-md:hidden">Product</Head>
              <Head className="text-right max-sm:hidden">People</Head>
            </tr>
          </thead>
          <tbody>
            {items.map((forge) => (
              <ForgeRow key={forge.id} forge={forge} to={places.forge(forge.id)} />
            ))}
          </tbody>
        </Table>
      ) : null}
    </Section>
  )
}

function ForgeRow({ forge, to }: { forge: Forge; to: string }) {
  const { word, tone } = forgeState(forge.state)
  return (
    <Row className="relative">
      <Cell>
        <span className="flex items-start gap-3">
          <KindIcon kind={forge.kind} className="mt-0.5 size-4.5 shrink-0 text-muted" />
          <span className="min-w-0">
            {/* The link covers the row, so the whole row can be clicked. */}
            <Link to={to} className="font-semibold before:absolute before:inset-0 before:content-['']">
              {forge.name}
            </Link>
            <span className="block text-sm break-all text-muted">{hostOf(forge.web_url)}</span>
          </span>
        </span>
      </Cell>
      <Cell>
        <Badge tone={tone}>{word}</Badge>
        {forge.fault ? <span className="mt-1 block max-w-72 text-sm text-bad">{sentence(forge.fault)}</span> : null}
        {forge.sign_in ? (
          <span className="mt-1 block text-sm text-muted max-sm:hidden">People sign in with it</span>
        ) : null}
      </Cell>
      <Cell className="text-muted max-md:hidden">
        {forge.kind_title} {forge.version}
        {forge.lacks.length > 0 ? (
          <span className="block max-w-72 text-sm text-busy">Lacks {forge.lacks.join(', ')}</span>
        ) : null}
      </Cell>
      <Cell className="text-right text-muted tabular-nums max-sm:hidden">{forge.links}</Cell>
    </Row>
  )
}
