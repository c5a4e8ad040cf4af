// The workspaces of a team.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Boxes } from 'lucide-react'
import { useState } from 'react'
import { meQuery } from '@/api/session'
import { teamWorkspacesQuery } from '@/api/teams'
import { workspacesQuery } from '@/api/workspaces'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { firstDirection, select, type Selection } from '@/workspaces/selection'
import { WorkspaceTable } from '@/workspaces/table'
import { withNews } from './news'
import { manages } from './roles'
import type { TeamProps } from './team-page'

const FIRST: Selection = { text: '', tone: 'all', sort: 'activity', direction: 'descending' }

export function OverviewSection({ team, rank }: TeamProps) {
  const { data: me } = useQuery(meQuery)
  const listed = useQuery(teamWorkspacesQuery(team.slug))
  const live = useQuery(workspacesQuery)
  const [selection, setSelection] = useState(FIRST)
  const workspaces = withNews(listed.data?.items, live.data, team.id)

  if (listed.isError && workspaces === undefined) {
    return (
      <ProblemNotice thrown={listed.error} actions={<Button onClick={() => void listed.refetch()}>Try again</Button>} />
    )
  }
  if (workspaces === undefined) {
    return (
      <Card>
        <SkeletonRows rows={3} />
      </Card>
    )
  }
  if (workspaces.length === 0) {
    return (
      <Card>
        <Empty
          icon={<Boxes />}
          title="No workspaces yet"
          actions={
            team.role ? (
              <Button asChild variant="primary">
                <Link to="/new" search={{ team: team.slug }}>
                  New workspace here
                </Link>
              </Button>
            ) : null
          }
        >
          {manages(rank)
            ? 'Its workspaces get the team’s secrets and defaults. You see everybody’s here, and enter only your own.'
            : 'Your workspaces in this team get its secrets and defaults.'}
        </Empty>
      </Card>
    )
  }
  return (
    <WorkspaceTable
      workspaces={select(workspaces, selection)}
      selection={selection}
      showOwner={workspaces.some(({ owner }) => owner.id !== me?.id)}
      onSort={(sort) =>
        setSelection((before) => ({
          ...before,
          sort,
          direction:
            before.sort !== sort ? firstDirection(sort) : before.direction === 'ascending' ? 'descending' : 'ascending',
        }))
      }
      onClear={() => setSelection(FIRST)}
    />
  )
}
