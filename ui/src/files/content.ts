// What is at a path: a folder's listing, or a file's text if it is text that can be shown.

import { queryOptions } from '@tanstack/react-query'
import { fetchRaw } from '@/api/client'
import type { Entry, Listing } from '@/api/documents'
import { fileUrl } from './paths'

/** Larger files are for download: a page with more text than this answers slowly. */
const MOST_SHOWN_BYTES = 1024 * 1024

export type Content =
  | { kind: 'text'; text: string; size: number }
  | { kind: 'binary'; size: number }
  | { kind: 'large'; size: number }

export const listingQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: ['files', workspace, path],
    staleTime: 0,
    queryFn: async ({ signal }): Promise<Listing> => {
      const response = await fetchRaw(fileUrl(workspace, path), { signal })
      return (await response.json()) as Listing
    },
  })

export const contentQuery = (workspace: string, path: string, entry: Entry | undefined) =>
  queryOptions({
    queryKey: ['file', workspace, path, entry?.modified_at, entry?.size_bytes],
    staleTime: 0,
    queryFn: async ({ signal }): Promise<Content> => {
      if ((entry?.size_bytes ?? 0) > MOST_SHOWN_BYTES) return { kind: 'large', size: entry?.size_bytes ?? 0 }
      const response = await fetchRaw(fileUrl(workspace, path), { signal })
      return readContent(new Uint8Array(await response.arrayBuffer()))
    },
  })

/** Text is what decodes as UTF-8 and has no zero byte, as git sees it. */
export function readContent(bytes: Uint8Array): Content {
  if (bytes.length > MOST_SHOWN_BYTES) return { kind: 'large', size: bytes.length }
  if (bytes.subarray(0, 8000).includes(0)) return { kind: 'binary', size: bytes.length }
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), size: bytes.length }
  } catch {
    return { kind: 'binary', size: bytes.length }
  }
}
