// The files of a workspace: browse, look at, download, upload, delete.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { FolderPlus, RefreshCw, Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { fetchRaw } from '@/api/client'
import type { Entry, Workspace } from '@/api/documents'
import { useWriteObstacle } from '@/live/connection'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { Confirm } from '@/ui/confirm'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { listingQuery } from './content'
import { FileView } from './file-view'
import { FolderTable } from './folder-table'
import { NewFolderDialog } from './new-folder-dialog'
import { cleanPath, crumbs, fileUrl, join } from './paths'

export function FilesPanel({ workspace }: { workspace: Workspace }) {
  const search = useSearch({ from: '/signed-in/w/$id' })
  const navigate = useNavigate({ from: '/w/$id' })
  const client = useQueryClient()
  const obstacle = useWriteObstacle()
  const picker = useRef<HTMLInputElement>(null)
  const [asked, setAsked] = useState<{ kind: 'folder' } | { kind: 'delete'; entry: Entry } | null>(null)
  const [uploading, setUploading] = useState<string | null>(null)
  const [over, setOver] = useState(false)

  const folder = cleanPath(search.path, workspace.folder)
  const listing = useQuery(listingQuery(workspace.id, folder))
  const file = listing.data?.entries.find(({ name, kind }) => name === search.file && kind !== 'folder')
  const refresh = () => void client.invalidateQueries({ queryKey: ['files', workspace.id] })
  const go = (path: string, name = '') =>
    void navigate({ search: (before) => ({ ...before, tab: 'files', path, file: name }) })

  const upload = async (files: Iterable<File>) => {
    for (const one of files) {
      setUploading(one.name)
      try {
        await fetchRaw(fileUrl(workspace.id, join(folder, one.name)), { method: 'PUT', body: one })
        tell(`${one.name} uploaded`)
      } catch (error) {
        tellProblem(`${one.name} was not uploaded`, error)
      }
    }
    setUploading(null)
    refresh()
  }
  const remove = async ({ name }: Entry) => {
    try {
      await fetchRaw(fileUrl(workspace.id, join(folder, name)), { method: 'DELETE' })
      tell(`${name} deleted`)
      if (search.file === name) go(folder)
    } catch (error) {
      tellProblem(`${name} was not deleted`, error)
    }
    refresh()
  }

  return (
    <div
      className="flex min-h-0 flex-1 flex-col gap-3"
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        if (obstacle === null) void upload(event.dataTransfer.files)
      }}
    >
      <div className="flex flex-wrap items-center gap-2">
        <Crumbs folder={folder} onGo={go} />
        <span className="ml-auto flex items-center gap-1.5">
          <Button variant="ghost" size="icon" aria-label="Read the folder again" onClick={refresh}>
            <RefreshCw className={cn('size-4', listing.isFetching && 'animate-spin-slow')} />
          </Button>
          <Button disabled={obstacle !== null} onClick={() => setAsked({ kind: 'folder' })}>
            <FolderPlus aria-hidden className="size-4" />
            New folder
          </Button>
          <Button disabled={obstacle !== null} pending={uploading !== null} onClick={() => picker.current?.click()}>
            {uploading === null ? <Upload aria-hidden className="size-4" /> : null}
            {uploading === null ? 'Upload' : `Uploading ${uploading}`}
          </Button>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label="Files to upload"
            onChange={(event) => {
              void upload([...(event.target.files ?? [])])
              event.target.value = ''
            }}
          />
        </span>
      </div>
      <div
        className={cn(
          'grid min-h-0 flex-1 content-start gap-3 lg:content-stretch',
          file && 'lg:grid-cols-[minmax(18rem,2fr)_3fr]',
        )}
      >
        <Card
          className={cn(
            'relative min-h-40 self-start overflow-auto lg:max-h-full',
            over && 'outline-2 outline-offset-2 outline-accent outline-dashed',
          )}
        >
          {listing.isError ? (
            <ProblemNotice
              thrown={listing.error}
              className="m-4"
              actions={<Button onClick={() => go(workspace.folder)}>Back to the repository</Button>}
            />
          ) : null}
          {listing.isPending ? <SkeletonRows rows={6} /> : null}
          {listing.data ? (
            <FolderTable
              workspace={workspace.id}
              folder={folder}
              listing={listing.data}
              chosen={file?.name ?? null}
              narrow={file !== undefined}
              onGo={go}
              onDelete={(entry) => setAsked({ kind: 'delete', entry })}
            />
          ) : null}
        </Card>
        {file ? (
          <FileView
            key={file.name}
            workspace={workspace.id}
            path={join(folder, file.name)}
            entry={file}
            onClose={() => go(folder)}
          />
        ) : null}
      </div>
      {asked?.kind === 'folder' ? (
        <NewFolderDialog workspace={workspace.id} folder={folder} onClose={() => setAsked(null)} onMade={refresh} />
      ) : null}
      {asked?.kind === 'delete' ? (
        <Confirm
          title={`Delete ${asked.entry.name}?`}
          verb="Delete"
          onConfirm={() => void remove(asked.entry)}
          onClose={() => setAsked(null)}
        >
          <p className="text-muted">
            {asked.entry.kind === 'folder' ? 'With everything in it. ' : ''}This cannot be undone.
          </p>
        </Confirm>
      ) : null}
    </div>
  )
}

function Crumbs({ folder, onGo }: { folder: string; onGo: (path: string) => void }) {
  const parts = crumbs(folder)
  const link = 'grid min-h-6 min-w-6 place-items-center rounded-sm px-1 hover:bg-ink/6'
  return (
    <nav aria-label="Folder" className="flex min-w-0 flex-wrap items-center font-mono text-sm">
      <button type="button" aria-label="Root folder" className={cn(link, 'text-muted')} onClick={() => onGo('/')}>
        /
      </button>
      {parts.map(({ name, path }, index) => (
        <span key={path} className="flex items-center">
          <button
            type="button"
            aria-current={index === parts.length - 1 ? 'location' : undefined}
            className={cn(link, index === parts.length - 1 ? 'font-semibold' : 'text-muted')}
            onClick={() => onGo(path)}
          >
            {name}
          </button>
          {index < parts.length - 1 ? <span className="text-muted">/</span> : null}
        </span>
      ))}
    </nav>
  )
}
