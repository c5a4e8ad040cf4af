import { expect, test } from 'vitest'
import type { Terminal } from '@/api/documents'
import { labels } from './labels'

const terminal = (id: number, title: string): Terminal => ({
  id,
  title,
  is_task: false,
  columns: 80,
  rows: 24,
  opened_at: '2026-11-20T12:00:00Z',
  viewers: 0,
  next_sequence: 0,
})

test('terminals of one name are numbered, others are not', () => {
  const named = labels([terminal(1, 'bash'), terminal(4, 'dev server'), terminal(7, 'bash')])

  expect([...named.values()]).toEqual(['bash 1', 'dev server', 'bash 2'])
})
