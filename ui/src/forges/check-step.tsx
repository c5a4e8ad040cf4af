// The third step: does it work? Then one's own account proves it.

import { Link } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import type { Forge } from '@/api/documents'
import { ConnectButton } from '@/integrations/connect-button'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Check } from './check'
import { ErrorPageHelp } from './instructions'
import { placesOf } from './places'
import { WizardFrame } from './wizard-frame'

export function CheckStep({ forge, team }: { forge: Forge; team?: string | undefined }) {
  const places = placesOf(team)
  return (
    <WizardFrame
      step={2}
      list={places.list}
      places={[places.forge(forge.id), places.forge(forge.id, 'application'), null]}
    >
      <div className="grid gap-6">
        <Verify forge={forge} places={places} />
        <Check forge={forge} isBegun />
        {forge.state === 'verified' || forge.auth_method === 'personal_token' ? null : <ErrorPageHelp forge={forge} />}
      </div>
    </WizardFrame>
  )
}

function Verify({ forge, places }: { forge: Forge; places: { list: string } }) {
  if (forge.state === 'verified') {
    return (
      <Card className="flex flex-wrap items-center gap-4 p-5">
        <CircleCheck aria-hidden className="size-6 text-ok" />
        <div className="min-w-0 flex-1">
          <p className="text-lg font-semibold tracking-tight">{forge.name} works</p>
          <p className="text-muted">Everybody who may use it finds it under Settings, Integrations.</p>
        </div>
        <Button asChild variant="primary">
          <Link to={places.list} activeOptions={{ exact: true }}>
            Done
          </Link>
        </Button>
      </Card>
    )
  }
  return (
    <Card className="flex flex-wrap items-center gap-4 p-5">
      <div className="min-w-60 flex-1">
        <p className="text-lg font-semibold tracking-tight">Connect your account to verify</p>
        <p className="text-muted">Until somebody has, only you and administrators see {forge.name}.</p>
      </div>
      <ConnectButton forge={{ id: forge.id, name: forge.name }}>Connect your account</ConnectButton>
    </Card>
  )
}
