// The text of a file.

import { useQuery } from '@tanstack/react-query'
import { Download, FileQuestion, X } from 'lucide-react'
import { bytes } from '@/amount/bytes'
import type { Entry } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { CopyButton } from '@/ui/copy'
import { Empty } from '@/ui/empty'
import { ProblemNotice } from '@/ui/notice'
import { Skeleton } from '@/ui/skeleton'
import { contentQuery } from './content'
import { fileUrl } from './paths'

interface FileViewProps {
  workspace: string
  path: string
  entry: Entry
  onClose: () => void
}

export function FileView({ workspace, path, entry, onClose }: FileViewProps) {
  const content = useQuery(contentQuery(workspace, path, entry))
  const text = content.data?.kind === 'text' ? content.data.text : null
  return (
    <Card className="flex max-h-full min-h-64 min-w-0 flex-col overflow-hidden">
      <header className="flex h-11 shrink-0 items-center gap-1 border-b border-line pr-1.5 pl-4">
        <h2 className="min-w-0 truncate font-mono text-sm font-medium">{entry.name}</h2>
        <span className="ml-2 shrink-0 text-sm text-muted">{bytes(entry.size_bytes)}</span>
        <span className="ml-auto flex">
          {text === null ? null : <CopyButton text={text} label={`Copy the text of ${entry.name}`} />}
          <Button asChild variant="ghost" size="icon-sm">
            <a href={fileUrl(workspace, path)} download={entry.name} aria-label={`Download ${entry.name}`}>
              <Download className="size-3.5" />
            </a>
          </Button>
          <Button variant="ghost" size="icon-sm" aria-label={`Close ${entry.name}`} onClick={onClose}>
            <X className="size-3.5" />
          </Button>
        </span>
      </header>
      {content.isError ? <ProblemNotice thrown={content.error} className="m-4" /> : null}
      {content.isPending ? (
        <div className="grid gap-2 p-4">
          <Skeleton className="w-2/3" />
          <Skeleton className="w-1/2" />
          <Skeleton className="w-3/5" />
        </div>
      ) : null}
      {text === null ? null : <Text text={text} name={entry.name} />}
      {content.data && content.data.kind !== 'text' ? (
        <Empty
          icon={<FileQuestion />}
          title={content.data.kind === 'binary' ? 'Not a text file' : 'Too large to show'}
          actions={
            <Button asChild>
              <a href={fileUrl(workspace, path)} download={entry.name}>
                Download
              </a>
            </Button>
          }
        >
          {bytes(content.data.size)}
        </Empty>
      ) : null}
    </Card>
  )
}

function Text({ text, name }: { text: string; name: string }) {
  const lines = text.replace(/\n$/, '').split('\n')
  const numbers = lines.map((_, index) => index + 1).join('\n')
  return (
    <section
      aria-label={`Text of ${name}`}
      tabIndex={0}
      className="flex min-h-0 flex-1 overflow-auto py-3 font-mono text-[0.78125rem] leading-5 -outline-offset-2"
    >
      <pre aria-hidden className="sticky left-0 shrink-0 bg-surface pr-4 pl-4 text-right text-muted select-none">
        {numbers}
      </pre>
      <pre className="pr-4">{text}</pre>
    </section>
  )
}
