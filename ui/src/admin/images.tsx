// The images that workspaces can start from without fetching anything.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Layers, Trash2, Upload } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { bytes } from '@/amount/bytes'
import { answer, api } from '@/api/client'
import type { Image } from '@/api/documents'
import { Button } from '@/ui/button'
import { Card, Section } from '@/ui/card'
import { cn } from '@/ui/class-names'
import { Confirm } from '@/ui/confirm'
import { Empty } from '@/ui/empty'
import { INPUT } from '@/ui/field'
import { Moment } from '@/ui/moment'
import { ProblemNotice } from '@/ui/notice'
import { SkeletonRows } from '@/ui/skeleton'
import { Cell, Head, Row, Table } from '@/ui/table'
import { tell, tellProblem } from '@/ui/toast'
import { ImportDialog } from './import-dialog'

export function ImagesSection() {
  const client = useQueryClient()
  const [importing, setImporting] = useState(false)
  const [removing, setRemoving] = useState<Image | null>(null)
  const images = useQuery({ queryKey: ['images'], queryFn: () => answer(api.GET('/api/v1/images')) })
  const refresh = () => void client.invalidateQueries({ queryKey: ['images'] })

  const remove = async (image: Image) => {
    const { id } = image
    const reference = imageName(image)
    try {
      await answer(api.DELETE('/api/v1/images/{id}', { params: { path: { id } } }))
      tell(`${reference} deleted`)
    } catch (error) {
      tellProblem(`${reference} was not deleted`, error)
    }
    refresh()
  }
  return (
    <Section
      id="images"
      title="Images"
      description="What is here starts without fetching. Other images are fetched when a workspace first wants them."
      actions={
        <Button onClick={() => setImporting(true)}>
          <Upload aria-hidden className="size-4" />
          Import an archive
        </Button>
      }
    >
      <div className="grid gap-4">
        <PullForm onPulled={refresh} />
        {images.isError ? <ProblemNotice thrown={images.error} /> : null}
        {images.isPending ? (
          <Card>
            <SkeletonRows rows={3} />
          </Card>
        ) : null}
        {images.data?.items.length === 0 ? (
          <Card>
            <Empty icon={<Layers />} title="No images">
              Workspaces can use this machine’s own tools without any. Pull one above, or import the archive that{' '}
              <code className="text-sm">docker save</code> makes.
            </Empty>
          </Card>
        ) : null}
        {images.data && images.data.items.length > 0 ? (
          <Table label="Images">
            <thead>
              <tr>
                <Head>Image</Head>
                <Head>Size</Head>
                <Head className="max-md:hidden">Added</Head>
                <Head className="w-0">
                  <span className="sr-only">Actions</span>
                </Head>
              </tr>
            </thead>
            <tbody>
              {images.data.items.map((image) => (
                <Row key={image.id}>
                  <Cell className="font-mono text-sm break-all">
                    {image.names.length === 0 ? <span className="text-muted">{image.id}</span> : null}
                    {image.names.map((name) => (
                      <span key={name} className="block">
                        {name}
                      </span>
                    ))}
                  </Cell>
                  <Cell className="whitespace-nowrap text-muted tabular-nums">{bytes(image.size_bytes)}</Cell>
                  <Cell className="whitespace-nowrap text-muted max-md:hidden">
                    <Moment at={image.created_at} />
                  </Cell>
                  <Cell className="py-0">
                    <Button
                      variant="ghost"
                      size="icon"
                      aria-label={`Delete ${imageName(image)}`}
                      onClick={() => setRemoving(image)}
                    >
                      <Trash2 className="size-4" />
                    </Button>
                  </Cell>
                </Row>
              ))}
            </tbody>
          </Table>
        ) : null}
      </div>
      {importing ? (
        <ImportDialog
          onClose={() => {
            setImporting(false)
            refresh()
          }}
        />
      ) : null}
      {removing ? (
        <Confirm
          title="Delete this image?"
          verb="Delete"
          onConfirm={() => void remove(removing)}
          onClose={() => setRemoving(null)}
        >
          <p className="font-mono text-sm break-all">{imageName(removing)}</p>
          <p className="text-muted">It is fetched again if a workspace wants it.</p>
        </Confirm>
      ) : null}
    </Section>
  )
}

function imageName({ id, names }: Image): string {
  return names[0] ?? id
}

function PullForm({ onPulled }: { onPulled: () => void }) {
  const [reference, setReference] = useState('')
  const [problem, setProblem] = useState<unknown>(null)
  const [pending, setPending] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setProblem(null)
    try {
      await answer(api.POST('/api/v1/images', { body: { reference: reference.trim() } }))
      tell(`${reference.trim()} is here`)
      setReference('')
    } catch (error) {
      setProblem(error)
    }
    setPending(false)
    onPulled()
  }
  return (
    <form className="grid gap-2" onSubmit={(event) => void submit(event)}>
      <div className="flex gap-2">
        <input
          aria-label="Image to pull"
          placeholder="docker.io/library/debian:stable"
          className={cn(INPUT, 'h-9 max-w-md font-mono text-sm')}
          value={reference}
          onChange={(event) => setReference(event.target.value)}
          spellCheck={false}
          autoComplete="off"
        />
        <Button type="submit" className="h-9" pending={pending} disabled={reference.trim() === ''}>
          {pending ? 'Pulling' : 'Pull'}
        </Button>
      </div>
      {problem === null ? null : <ProblemNotice thrown={problem} />}
    </form>
  )
}
