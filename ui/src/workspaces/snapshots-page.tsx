// Snapshots: sealed disks that new workspaces can start from.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Camera, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import type { Snapshot } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { repositoryName } from '@/repository/address'
import { Page } from '@/shell/page'
import { useTitle } from '@/shell/title'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Confirm } from '@/ui/confirm'
import { Empty } from '@/ui/empty'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { tell, tellProblem } from '@/ui/toast'

export function SnapshotsPage() {
  useTitle('Snapshots')
  const client = useQueryClient()
  const obstacle = useWriteObstacle()
  const [removing, setRemoving] = useState<Snapshot | null>(null)
  const snapshots = useQuery({ queryKey: ['snapshots'], queryFn: () => answer(api.GET('/api/v1/snapshots')) })

  const remove = async ({ id }: Snapshot) => {
    try {
      await answer(api.DELETE('/api/v1/snapshots/{id}', { params: { path: { id } } }))
      tell('Snapshot deleted')
    } catch (error) {
      tellProblem('The snapshot was not deleted', error)
    }
    void client.invalidateQueries({ queryKey: ['snapshots'] })
  }
  return (
    <Page
      title="Snapshots"
      description="Sealed disks. Any number of workspaces can start from one, at once and without copying."
    >
      {snapshots.isError ? <ProblemNotice thrown={snapshots.error} /> : null}
      {snapshots.isPending ? (
        <Card>
          <SkeletonRows rows={3} />
        </Card>
      ) : null}
      {snapshots.data?.items.length === 0 ? (
        <Card>
          <Empty
            icon={<Camera />}
            title="No snapshots"
            actions={
              <Button asChild>
                <Link to="/workspaces">Workspaces</Link>
              </Button>
            }
          >
            Take one from the menu of a workspace, for instance when everything is installed and built.
          </Empty>
        </Card>
      ) : null}
      {snapshots.data && snapshots.data.items.length > 0 ? (
        <Table label="Snapshots">
          <thead>
            <tr>
              <Head>Of</Head>
              <Head className="max-md:hidden">Repository</Head>
              <Head>Taken</Head>
              <Head className="w-0">
                <span className="sr-only">Actions</span>
              </Head>
            </tr>
          </thead>
          <tbody>
            {snapshots.data.items.map((snapshot) => (
              <Row key={snapshot.id}>
                <Cell>
                  <span className="font-medium">{snapshot.workspace_name}</span>
                  <span className="block font-mono text-xs text-muted">{snapshot.id}</span>
                </Cell>
                <Cell className="text-muted max-md:hidden">
                  {snapshot.source ? repositoryName(snapshot.source.repository) : '–'}
                </Cell>
                <Cell className="text-muted whitespace-nowrap">
                  <Moment at={snapshot.created_at} />
                </Cell>
                <Cell>
                  <span className="flex items-center justify-end gap-1">
                    <Button asChild size="sm">
                      <Link to="/new" search={{ snapshot: snapshot.id }}>
                        Start a workspace
                      </Link>
                    </Button>
                    <Button
                      variant="ghost"
                      size="icon"
                      aria-label={`Delete the snapshot of ${snapshot.workspace_name}`}
                      disabled={obstacle !== null}
                      onClick={() => setRemoving(snapshot)}
                    >
                      <Trash2 className="size-4" />
                    </Button>
                  </span>
                </Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      ) : null}
      {removing ? (
        <Confirm
          title={`Delete the snapshot of ${removing.workspace_name}?`}
          verb="Delete"
          onConfirm={() => void remove(removing)}
          onClose={() => setRemoving(null)}
        >
          <p className="text-muted">Workspaces that were started from it go on as before.</p>
        </Confirm>
      ) : null}
    </Page>
  )
}
