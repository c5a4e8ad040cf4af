// Who did what, newest first.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { answer, api } from '@/api/client'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { Empty } from '@/ui/empty'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'

export function AuditSection() {
  const audit = useInfiniteQuery({
    queryKey: ['audit'],
    staleTime: 0,
    initialPageParam: '',
    queryFn: ({ pageParam }) =>
      answer(
        api.GET('/api/v1/audit', {
          params: { query: { limit: 50, ...(pageParam === '' ? {} : { after: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  })
  const users = useQuery({ queryKey: ['users'], queryFn: () => answer(api.GET('/api/v1/users')) })
  const nameOf = (id: string) => users.data?.items.find((user) => user.id === id)?.name ?? id
  const entries = audit.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Section id="audit" title="Audit" description="Who did what. Entries are only ever added.">
      {audit.isError ? <ProblemNotice thrown={audit.error} /> : null}
      {audit.isPending ? (
        <Card>
          <SkeletonRows rows={6} />
        </Card>
      ) : null}
      {audit.isSuccess && entries.length === 0 ? (
        <Card>
          <Empty icon={<ScrollText />} title="Nothing yet" />
        </Card>
      ) : null}
      {entries.length > 0 ? (
        <Table label="Audit">
          <thead>
            <tr>
              <Head>When</Head>
              <Head>Who</Head>
              <Head>What</Head>
              <Head className="max-md:hidden">Detail</Head>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Row key={entry.id}>
                <Cell className="whitespace-nowrap text-muted">
                  <Moment at={entry.at} />
                </Cell>
                <Cell className="whitespace-nowrap">
                  {entry.caller ? nameOf(entry.caller) : <span className="text-muted">Hearth</span>}
                </Cell>
                <Cell>
                  <span className="font-medium">{entry.action}</span>
                  {entry.subject ? (
                    <span className="block font-mono text-xs break-all text-muted">{entry.subject}</span>
                  ) : null}
                </Cell>
                <Cell className="text-muted max-md:hidden">{entry.detail}</Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      ) : null}
      {audit.hasNextPage ? (
        <div className="mt-4 text-center">
          <Button pending={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
            Show older
          </Button>
        </div>
      ) : null}
    </Section>
  )
}
