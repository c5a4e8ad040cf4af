// What is in a folder.

import { CornerLeftUp, Download, File, FileSymlink, Folder, Trash2 } from 'lucide-react'
import { bytes } from '@/amount/bytes'
import type { Entry, Listing } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { Button } from '@/ui/button'
import { cn } from '@/ui/class-names'
import { Moment } from '@/ui/moment'
import { Cell, Head, Row } from '@/ui/table'
import { fileUrl, join, parent } from './paths'

interface FolderTableProps {
  workspace: string
  folder: string
  listing: Listing
  chosen: string | null
  /** Leaves out what does not fit beside an open file. */
  narrow: boolean
  onGo: (path: string, file?: string) => void
  onDelete: (entry: Entry) => void
}

const NAME = 'flex min-h-7 w-full min-w-0 items-center gap-2.5 text-left [&_svg]:size-4 [&_svg]:shrink-0'

export function FolderTable({ workspace, folder, listing, chosen, narrow, onGo, onDelete }: FolderTableProps) {
  const obstacle = useWriteObstacle()
  const side = narrow ? 'hidden' : 'max-sm:hidden'
  return (
    <>
      <table aria-label={`Files in ${folder}`} className="w-full text-left">
        <thead className="sr-only">
          <tr>
            <Head>Name</Head>
            <Head>Size</Head>
            <Head>Changed</Head>
            <Head>Actions</Head>
          </tr>
        </thead>
        <tbody>
          {folder === '/' ? null : (
            <Row>
              <Cell colSpan={4} className="py-1">
                <button type="button" className={cn(NAME, 'text-muted')} onClick={() => onGo(parent(folder))}>
                  <CornerLeftUp aria-hidden />
                  <span aria-hidden>..</span>
                  <span className="sr-only">Up to {parent(folder)}</span>
                </button>
              </Cell>
            </Row>
          )}
          {listing.entries.map((entry) => {
            const path = join(folder, entry.name)
            return (
              <Row
                key={entry.name}
                className={cn(chosen === entry.name && 'bg-accent-soft/60 hover:bg-accent-soft/60')}
              >
                <Cell className="w-full max-w-0 py-1">
                  <button
                    type="button"
                    className={NAME}
                    aria-current={chosen === entry.name ? 'true' : undefined}
                    disabled={entry.kind === 'other'}
                    onClick={() => (entry.kind === 'folder' ? onGo(path) : onGo(folder, entry.name))}
                  >
                    <Icon kind={entry.kind} />
                    <span className="truncate">{entry.name}</span>
                  </button>
                </Cell>
                <Cell className={cn('py-1 text-right text-sm whitespace-nowrap text-muted tabular-nums', side)}>
                  {entry.kind === 'folder' ? '' : bytes(entry.size_bytes)}
                </Cell>
                <Cell className={cn('py-1 text-sm whitespace-nowrap text-muted', side)}>
                  {entry.modified_at ? <Moment at={entry.modified_at} /> : null}
                </Cell>
                <Cell className="py-1 pr-2 pl-0">
                  <span className="flex justify-end">
                    {entry.kind === 'file' ? (
                      <Button asChild variant="ghost" size="icon-sm">
                        <a href={fileUrl(workspace, path)} download={entry.name} aria-label={`Download ${entry.name}`}>
                          <Download className="size-3.5" />
                        </a>
                      </Button>
                    ) : null}
                    <Button
                      variant="ghost"
                      size="icon-sm"
                      aria-label={`Delete ${entry.name}`}
                      disabled={obstacle !== null}
                      onClick={() => onDelete(entry)}
                    >
                      <Trash2 className="size-3.5" />
                    </Button>
                  </span>
                </Cell>
              </Row>
            )
          })}
        </tbody>
      </table>
      {listing.entries.length === 0 ? (
        <p className="px-4 py-10 text-center text-muted">This folder is empty. Drop files here to upload them.</p>
      ) : null}
      {listing.truncated ? (
        <p className="border-t border-line px-4 py-2.5 text-sm text-muted">
          There are more; only the first {listing.entries.length} are shown.
        </p>
      ) : null}
    </>
  )
}

function Icon({ kind }: { kind: Entry['kind'] }) {
  if (kind === 'folder') return <Folder role="img" aria-label="Folder" className="fill-accent/20 text-accent-text" />
  if (kind === 'link') return <FileSymlink role="img" aria-label="Link" className="text-muted" />
  return <File role="img" aria-label="File" className="text-muted" />
}
