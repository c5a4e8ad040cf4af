import { expect, test } from 'vitest'
import { aWorkspace } from '@/testing/a-workspace'
import { withNews } from './news'

const team = { id: 'team_2', slug: 'sweeps', name: 'Sweeps' }
const theirs = aWorkspace({ id: 'ws_theirs', team })
const mine = aWorkspace({ id: 'ws_mine', team, phase: 'starting' })

test('one’s own workspaces are as the live list has them, those of others as the team’s list has them', () => {
  const fresh = { ...mine, phase: 'running' as const }
  const elsewhere = aWorkspace({ id: 'ws_elsewhere' })

  expect(withNews([theirs, mine], [fresh, elsewhere], team.id)).toEqual([theirs, fresh])
})

test('a new one is there before the team’s list knows it', () => {
  expect(withNews([theirs], [mine], team.id)?.map(({ id }) => id)).toEqual(['ws_theirs', 'ws_mine'])
})

test('nothing is known before either list is there', () => {
  expect(withNews(undefined, undefined, team.id)).toBeUndefined()
  expect(withNews(undefined, [], team.id)).toEqual([])
})
