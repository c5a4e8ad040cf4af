import { expect, test, vi } from 'vitest'
import { CHUNK_LINES, LogFeed } from './feed'

vi.useFakeTimers()

const line = (sequence: number) => ({ sequence, time: '2026-11-20T12:00:00Z', step: null, text: `line ${sequence}` })

function feedOf(count: number): LogFeed {
  const feed = new LogFeed('/log')
  for (let sequence = 1; sequence <= count; sequence += 1) feed.add(line(sequence))
  feed.flush()
  return feed
}

test('lines come in groups that do not change once they are full', () => {
  const feed = feedOf(CHUNK_LINES + 5)
  const full = feed.view().chunks[0]

  feed.add(line(CHUNK_LINES + 6))
  feed.flush()

  expect(feed.view().chunks.map((chunk) => chunk.length)).toEqual([CHUNK_LINES, 6])
  expect(feed.view().chunks[0]).toBe(full)
})

test('a line that comes twice, as after a reconnect, is shown once', () => {
  const feed = feedOf(3)

  for (const sequence of [2, 3, 4]) feed.add(line(sequence))
  feed.flush()

  expect(
    feed
      .view()
      .chunks.flat()
      .map(({ sequence }) => sequence),
  ).toEqual([1, 2, 3, 4])
})

test('of an endless log the page keeps the end and says how much it dropped', () => {
  const feed = feedOf(60 * CHUNK_LINES)

  expect(feed.view().chunks.length).toBe(50)
  expect(feed.view().dropped).toBe(10 * CHUNK_LINES)
  expect(feed.view().chunks.at(-1)?.at(-1)?.sequence).toBe(60 * CHUNK_LINES)
})
