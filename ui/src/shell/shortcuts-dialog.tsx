// The list of shortcuts behind `?`.

import { Dialog } from '@/ui/dialog'
import { COMMAND_KEY, Key } from '@/ui/key'
import { SHORTCUTS } from './shortcuts'

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="grid">
        {SHORTCUTS.map(({ keys, what }) => (
          <div
            key={keys}
            className="flex items-center justify-between gap-6 border-t border-line py-2 first:border-t-0"
          >
            <dt>{what}</dt>
            <dd className="flex items-center gap-1">
              {keys.split(/[+ ]/).map((key) => (
                <Key key={key}>{key === 'Mod' ? COMMAND_KEY : key}</Key>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="text-sm text-muted">Single letters can be switched off in the settings.</p>
    </Dialog>
  )
}
