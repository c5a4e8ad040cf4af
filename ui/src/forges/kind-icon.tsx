// A quiet sign for what runs at a forge. Products keep their own logos to themselves.

import { FolderGit2, IdCard } from 'lucide-react'

export function KindIcon({ kind, className }: { kind: string; className?: string }) {
  const Icon = kind === 'open_id' ? IdCard : FolderGit2
  return <Icon aria-hidden {...(className ? { className } : {})} />
}
