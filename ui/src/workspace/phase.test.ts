import { describe, expect, test } from 'vitest'
import type { Phase, Step } from '@/api/documents'
import { aWorkspace } from '@/testing/a-workspace'
import { canStart, canStop, isClearing, isLeaving, isStarting, meaning, reason } from './phase'

const ALL: Phase[] = [
  'queued',
  'preparing',
  'creating',
  'starting',
  'initialising',
  'running',
  'stopping',
  'stopped',
  'failed',
  'deleting',
  'deleted',
]
const step = (state: Step['state'], detail: string | null = null): Step => ({
  name: 'clone',
  title: 'Clone the repository',
  state,
  started_at: null,
  finished_at: null,
  detail,
})

test('every phase has a word of its own', () => {
  expect(new Set(ALL.map((phase) => meaning(phase).word)).size).toBe(ALL.length)
})

test('whatever is not on its way out can be started or stopped', () => {
  expect(ALL.filter((phase) => !canStart(phase) && !canStop(phase))).toEqual(ALL.filter(isLeaving))
})

test('a start that is being cleared up is told from an ordinary stop', () => {
  expect(isClearing({ phase: 'stopping', steps: [step('failed')] })).toBe(true)
  expect(isClearing({ phase: 'stopping', steps: [step('done')] })).toBe(false)
  expect(isStarting('stopping')).toBe(false)
})

describe('the reason beside a badge', () => {
  test.each([
    [{ phase: 'initialising' as const, steps: [step('running', '12 of 40 MB')] }, '12 of 40 MB'],
    [
      { phase: 'failed' as const, failure: { step: 'clone' as const, reason: 'no such thing', mend: '', at: '' } },
      'no such thing',
    ],
    [{ phase: 'stopping' as const, desired: 'running' }, 'starts again afterwards'],
    [{ phase: 'stopping' as const, steps: [step('failed')] }, 'clearing up after the failure'],
    [{ phase: 'running' as const }, null],
  ])('for %j is %s', (given, words) => {
    expect(reason(aWorkspace(given))).toBe(words)
  })
})
