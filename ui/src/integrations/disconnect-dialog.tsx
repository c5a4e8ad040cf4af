// The end of a link: what goes with it is said before.

import { answer, api } from '@/api/client'
import type { Integration, Link } from '@/api/documents'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { FormDialog } from '@/ui/form-dialog'
import { Notice } from '@/ui/notice'
import { tell } from '@/ui/toast'
import { useRefreshLinks } from './connect'
import { hostOf } from './state'

interface DisconnectDialogProps {
  integration: Integration
  link: Link
  onClose: () => void
}

export function DisconnectDialog({ integration, link, onClose }: DisconnectDialogProps) {
  const { name, web_url } = integration
  const refresh = useRefreshLinks()

  if (link.last_way_in) {
    return (
      <Dialog
        title={`${name} is your only way in`}
        onClose={onClose}
        footer={
          <Button onClick={onClose} data-autofocus="">
            Close
          </Button>
        }
      >
        <Notice kind="warn" title={`You sign in to Hearth with ${link.login} on ${hostOf(web_url)}.`}>
          Without it you could not come back. Set a password or connect another account you can sign in with, then
          disconnect this one.
        </Notice>
      </Dialog>
    )
  }
  const disconnect = async () => {
    await answer(api.DELETE('/api/v1/me/links/{id}', { params: { path: { id: link.id } } }))
    tell(`${name} disconnected`)
    refresh()
  }
  return (
    <FormDialog title={`Disconnect ${name}?`} verb="Disconnect" danger onSubmit={disconnect} onClose={onClose}>
      <div className="grid gap-2 text-muted">
        <p>
          This ends what Hearth may do as <span className="font-medium text-ink">{link.login}</span>:
        </p>
        <ul className="grid list-disc gap-1 pl-5">
          <li>access is revoked at {hostOf(web_url)}, within a second also in running workspaces</li>
          {link.ssh_key.state === 'uploaded' ? <li>your SSH key is removed from the account</li> : null}
          {link.signs_in ? <li>you can no longer sign in with it</li> : null}
        </ul>
        <p>Workspaces and what is in them stay.</p>
      </div>
    </FormDialog>
  )
}
